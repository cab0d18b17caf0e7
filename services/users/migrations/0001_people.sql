-- What names a person is sealed with the person's own key (table person_key), or kept as a keyed hash to be found by.
-- Taking the key away erases it, from backups too.

CREATE TABLE IF NOT EXISTS person (
    id BINARY(16) NOT NULL PRIMARY KEY,
    -- A keyed hash of the e-mail address. Absent once the person has asked to be erased, so that the address is free at once.
    email_index BINARY(32) NULL,
    email VARBINARY(600) NOT NULL,
    name VARBINARY(800) NOT NULL,
    locale VARCHAR(2) NOT NULL,
    password_hash VARCHAR(200) NOT NULL,
    totp_key VARBINARY(200) NULL,
    -- Chosen, but not confirmed with a first code yet.
    totp_pending VARBINARY(200) NULL,
    totp_last_step BIGINT NULL,
    revision BIGINT UNSIGNED NOT NULL DEFAULT 1,
    created_at DATETIME(6) NOT NULL,
    leaving_at DATETIME(6) NULL,
    CONSTRAINT person_email UNIQUE (email_index)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS person_role (
    person BINARY(16) NOT NULL,
    role VARCHAR(20) NOT NULL,
    PRIMARY KEY (person, role),
    KEY person_role_role (role),
    CONSTRAINT person_role_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;

-- Somebody who has not proved yet that the address is theirs. The id is the one the person will have.
CREATE TABLE IF NOT EXISTS registration (
    id BINARY(16) NOT NULL PRIMARY KEY,
    token_hash BINARY(32) NOT NULL,
    email_index BINARY(32) NOT NULL,
    email VARBINARY(600) NOT NULL,
    name VARBINARY(800) NOT NULL,
    locale VARCHAR(2) NOT NULL,
    password_hash VARCHAR(200) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    CONSTRAINT registration_token UNIQUE (token_hash),
    KEY registration_email (email_index),
    KEY registration_expires (expires_at)
) ENGINE = InnoDB;

-- A request for an address without an account leaves a row too, with nobody in it: the same work either way.
CREATE TABLE IF NOT EXISTS password_reset (
    token_hash BINARY(32) NOT NULL PRIMARY KEY,
    person BINARY(16) NULL,
    expires_at DATETIME(6) NOT NULL,
    KEY password_reset_person (person),
    KEY password_reset_expires (expires_at),
    CONSTRAINT password_reset_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS session (
    id BINARY(16) NOT NULL PRIMARY KEY,
    person BINARY(16) NOT NULL,
    device VARBINARY(800) NULL,
    began_at DATETIME(6) NOT NULL,
    last_used_at DATETIME(6) NOT NULL,
    ends_at DATETIME(6) NOT NULL,
    revoked_at DATETIME(6) NULL,
    KEY session_person (person),
    KEY session_ends (ends_at),
    CONSTRAINT session_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS refresh_token (
    hash BINARY(32) NOT NULL PRIMARY KEY,
    session BINARY(16) NOT NULL,
    used_at DATETIME(6) NULL,
    -- With the token itself this makes its successor again; without it, nothing.
    nonce BINARY(32) NULL,
    successor BINARY(32) NULL,
    KEY refresh_token_session (session),
    CONSTRAINT refresh_token_session FOREIGN KEY (session) REFERENCES session (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS recovery_code (
    person BINARY(16) NOT NULL,
    hash BINARY(32) NOT NULL,
    PRIMARY KEY (person, hash),
    CONSTRAINT recovery_code_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS address (
    id BINARY(16) NOT NULL PRIMARY KEY,
    person BINARY(16) NOT NULL,
    body VARBINARY(8000) NOT NULL,
    KEY address_person (person),
    CONSTRAINT address_person FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE
) ENGINE = InnoDB;

-- Failures of accounts and clients, both under a keyed hash.
CREATE TABLE IF NOT EXISTS throttle (
    bucket BINARY(32) NOT NULL PRIMARY KEY,
    failures INT UNSIGNED NOT NULL,
    last_at DATETIME(6) NOT NULL,
    KEY throttle_last (last_at)
) ENGINE = InnoDB;

-- Access tokens of a person that were issued before this second are refused. Kept for as long as such a token can live.
CREATE TABLE IF NOT EXISTS revocation (
    person BINARY(16) NOT NULL PRIMARY KEY,
    not_before BIGINT NOT NULL,
    KEY revocation_not_before (not_before)
) ENGINE = InnoDB;

-- Who asked to be erased, and which services have done so. Names nobody: the id alone leads nowhere once the person is gone.
CREATE TABLE IF NOT EXISTS erasure (
    person BINARY(16) NOT NULL PRIMARY KEY,
    asked_at DATETIME(6) NOT NULL,
    done_at DATETIME(6) NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    next_at DATETIME(6) NULL,
    KEY erasure_next (next_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS erasure_step (
    person BINARY(16) NOT NULL,
    service VARCHAR(50) NOT NULL,
    done_at DATETIME(6) NULL,
    last_error VARCHAR(500) NULL,
    PRIMARY KEY (person, service),
    CONSTRAINT erasure_step_person FOREIGN KEY (person) REFERENCES erasure (person) ON DELETE CASCADE
) ENGINE = InnoDB;
