"""The sign-in provider: OpenID Connect as AWS Cognito's user pools speak it."""
