-- One attempt to pay an order.
CREATE TABLE IF NOT EXISTS payment (
    id BINARY(16) NOT NULL PRIMARY KEY,
    order_id BINARY(16) NOT NULL,
    order_number VARCHAR(40) NOT NULL,
    provider VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount BIGINT NOT NULL,
    currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Of the money that paid the order. Money that was not wanted is in the table charge alone.
    received BIGINT NOT NULL DEFAULT 0,
    refunded BIGINT NOT NULL DEFAULT 0,
    charge VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
    reference VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
    hosted_reference VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
    client_secret VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
    approve_url VARCHAR(2000) NULL,
    return_path VARCHAR(500) NOT NULL,
    locale CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    page_key BINARY(16) NOT NULL,
    -- What the test provider does when nobody chooses.
    outcome VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
    -- Whose it is: a person, or whoever holds the token of the order. Gone when the person is erased.
    person_id BINARY(16) NULL,
    order_token_hash BINARY(32) NULL,
    -- Of the caller and its Idempotency-Key: a request that comes again finds its payment.
    request_key BINARY(32) NOT NULL,
    trouble VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
    declined_because VARCHAR(100) NULL,
    is_superseded BOOLEAN NOT NULL DEFAULT FALSE,
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    next_look_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    UNIQUE KEY payment_request (request_key),
    UNIQUE KEY payment_reference (provider, reference),
    KEY payment_of_order (order_id, id),
    KEY payment_of_person (person_id, id),
    KEY payment_in_trouble (trouble, id),
    KEY payment_to_look_at (next_look_at),
    CONSTRAINT payment_amount CHECK (amount > 0),
    CONSTRAINT payment_refunded CHECK (refunded >= 0 AND refunded <= received)
) ENGINE = InnoDB;

-- How an order stands, locked after the payment: what makes sure that one attempt alone pays it.
CREATE TABLE IF NOT EXISTS order_standing (
    order_id BINARY(16) NOT NULL PRIMARY KEY,
    paid_by BINARY(16) NULL,
    closed VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL
) ENGINE = InnoDB;

-- Money that a provider says it took: each once, wanted or not.
CREATE TABLE IF NOT EXISTS charge (
    provider VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reference VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payment_id BINARY(16) NOT NULL,
    amount BIGINT NOT NULL,
    currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    is_kept BOOLEAN NOT NULL,
    at DATETIME(6) NOT NULL,
    PRIMARY KEY (provider, reference),
    KEY charge_of_payment (payment_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS refund (
    id BINARY(16) NOT NULL PRIMARY KEY,
    payment_id BINARY(16) NOT NULL,
    charge VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount BIGINT NOT NULL,
    currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(200) NOT NULL,
    origin VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reference VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
    failed_because VARCHAR(100) NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    next_look_at DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    UNIQUE KEY refund_reference (payment_id, reference),
    KEY refund_to_look_at (next_look_at),
    CONSTRAINT refund_amount CHECK (amount > 0)
) ENGINE = InnoDB;

-- Webhooks that have had their effect.
CREATE TABLE IF NOT EXISTS provider_event (
    provider VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at DATETIME(6) NOT NULL,
    PRIMARY KEY (provider, id),
    KEY provider_event_at (at)
) ENGINE = InnoDB;

-- The books of the test provider, which knows nothing of the tables above.
CREATE TABLE IF NOT EXISTS test_charge (
    payment_id BINARY(16) NOT NULL PRIMARY KEY,
    state VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    due_at DATETIME(6) NULL
) ENGINE = InnoDB;
