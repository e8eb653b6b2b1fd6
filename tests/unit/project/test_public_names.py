"""`__all__` says what is public: whatever another module imports by name stands in it."""

import ast
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_TREES = {
    ".".join(path.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text(encoding="utf-8"))
    for package in ("schemas", "streams", "adapters", "infra")
    for path in (_ROOT / package).rglob("*.py")
}


def _public(tree: ast.Module) -> set[str]:
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    return {name for value in lists for name in ast.literal_eval(value)}


def test_what_another_module_imports_by_name_is_public() -> None:
    public = {module: _public(tree) for module, tree in _TREES.items()}
    for importer, tree in _TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in _TREES:
                names = {name.name for name in node.names if f"{node.module}.{name.name}" not in _TREES}
                assert names <= public[node.module], f"{importer} imports from {node.module} what its __all__ lacks"
