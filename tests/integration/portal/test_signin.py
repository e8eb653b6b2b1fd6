"""Signing in and out against the sandbox's issuer."""

from tests.integration.portal.conftest import World


async def test_a_person_signs_in_and_lands_where_they_wanted(world: World) -> None:
    person = world.person()
    page = await person.sign_in(path="/account/profile/mfa")
    assert page.status_code == 200
    assert page.url.path == "/account/profile/mfa"
    assert "The second step of your sign-in" in page.text


async def test_external_accounts_name_the_identity_provider_and_the_user_id(world: World) -> None:
    person = await world.signed_in()
    assert "AWS Cognito Authentication" in person.page.text
    assert "user_2002N4U3RRZ0FXB6" in person.page.text
    assert "If your organization uses single sign-on (SSO) some changes will have no effect." in person.page.text
