CREATE TABLE IF NOT EXISTS passkey (
    id BINARY(16) NOT NULL PRIMARY KEY,
    person BINARY(16) NOT NULL,
    -- SHA-256 of what the authenticator calls it.
    credential_hash BINARY(32) NOT NULL,
    name VARBINARY(800) NOT NULL,
    -- The public key and its counter, sealed.
    credential VARBINARY(8000) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    last_used_at DATETIME(6) NULL,
    CONSTRAINT passkey_credential UNIQUE (credential_hash),
    KEY passkey_person (person),
    CONSTRAINT passkey_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;

-- What an authenticator was asked, until it answers.
CREATE TABLE IF NOT EXISTS passkey_challenge (
    id BINARY(16) NOT NULL PRIMARY KEY,
    -- Whose passkey is being made; nobody's when somebody logs in.
    person BINARY(16) NULL,
    state VARBINARY(16000) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    KEY passkey_challenge_expires (expires_at),
    KEY passkey_challenge_person (person),
    CONSTRAINT passkey_challenge_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;
