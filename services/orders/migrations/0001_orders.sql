-- Ids are UUIDv7 in BINARY(16): rows of one time lie side by side. Names of constraints are part of the code: db.rs maps them to problems.

CREATE TABLE IF NOT EXISTS stock (
    sku        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    on_hand    INT NOT NULL,
    reserved   INT NOT NULL DEFAULT 0,
    PRIMARY KEY (sku),
    CONSTRAINT stock_on_hand_not_negative  CHECK (on_hand >= 0),
    CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_never_oversold        CHECK (reserved <= on_hand)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS orders (
    id                BINARY(16) NOT NULL,
    number            CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    revision          BIGINT UNSIGNED NOT NULL DEFAULT 1,
    -- The headline, derived from the four states below and kept for lists.
    status            VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_state       VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payment_state     VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    fulfillment_state VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    return_state      VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- The account, if any; and whose key seals what is personal (a guest has one too, found by e-mail).
    person_id         BINARY(16) NULL,
    key_id            BINARY(16) NOT NULL,
    email_index       BINARY(32) NULL,
    personal          VARBINARY(8192) NULL,
    -- One revision of a cart is ordered once; freed when the order comes to nothing.
    cart_id           BINARY(16) NULL,
    cart_revision     BIGINT UNSIGNED NULL,
    locale            CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    country           CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    currency          CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shipping_method   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    coupon            VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
    subtotal          BIGINT NOT NULL,
    discount_total    BIGINT NOT NULL,
    shipping_total    BIGINT NOT NULL,
    shipping_tax_rate INT NOT NULL,
    shipping_tax      BIGINT NOT NULL,
    tax_total         BIGINT NOT NULL,
    total             BIGINT NOT NULL,
    tax_included      BOOLEAN NOT NULL,
    units             INT NOT NULL,
    payment_id        BINARY(16) NULL,
    paid              BIGINT NOT NULL DEFAULT 0,
    refunded          BIGINT NOT NULL DEFAULT 0,
    placed_at         DATETIME(6) NOT NULL,
    -- Set only while unpaid: what the sweep looks for, and nothing else.
    expires_at        DATETIME(6) NULL,
    delivered_at      DATETIME(6) NULL,
    PRIMARY KEY (id),
    CONSTRAINT orders_number UNIQUE (number),
    CONSTRAINT orders_cart UNIQUE (cart_id, cart_revision),
    KEY orders_expiring (expires_at),
    KEY orders_of_person (person_id, id),
    KEY orders_of_email (email_index, id),
    KEY orders_by_status (status, id),
    CONSTRAINT orders_refunds_fit CHECK (refunded >= 0 AND refunded <= paid)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS order_line (
    order_id   BINARY(16) NOT NULL,
    line       SMALLINT UNSIGNED NOT NULL,
    sku        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    product_id BINARY(16) NOT NULL,
    -- What the shopper saw: names, slugs, options, the category.
    shown      JSON NOT NULL,
    quantity   INT NOT NULL,
    unit_price BIGINT NOT NULL,
    discount   BIGINT NOT NULL,
    tax_rate   INT NOT NULL,
    tax        BIGINT NOT NULL,
    total      BIGINT NOT NULL,
    shipped    INT NOT NULL DEFAULT 0,
    coming_back INT NOT NULL DEFAULT 0,
    returned   INT NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, line),
    CONSTRAINT order_line_of_order FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT order_line_counts CHECK (shipped <= quantity AND coming_back + returned <= shipped)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS reservation (
    order_id   BINARY(16) NOT NULL,
    sku        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    quantity   INT NOT NULL,
    PRIMARY KEY (order_id, sku),
    KEY reservation_of_sku (sku),
    CONSTRAINT reservation_of_something CHECK (quantity > 0)
) ENGINE = InnoDB;

-- Every change of on_hand: their sum is on_hand.
CREATE TABLE IF NOT EXISTS stock_movement (
    id       BINARY(16) NOT NULL,
    sku      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    delta    INT NOT NULL,
    order_id BINARY(16) NULL,
    reason   VARCHAR(200) NULL,
    actor    VARCHAR(64) NOT NULL,
    at       DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    KEY stock_movement_of_sku (sku, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS order_history (
    order_id BINARY(16) NOT NULL,
    id       BINARY(16) NOT NULL,
    at       DATETIME(6) NOT NULL,
    what     VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    actor    VARCHAR(64) NOT NULL,
    details  JSON NULL,
    PRIMARY KEY (order_id, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS coupon (
    code         VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    revision     BIGINT UNSIGNED NOT NULL DEFAULT 1,
    rule         JSON NOT NULL,
    max_uses     INT NULL,
    uses         INT NOT NULL DEFAULT 0,
    created_at   DATETIME(6) NOT NULL,
    updated_at   DATETIME(6) NOT NULL,
    PRIMARY KEY (code),
    CONSTRAINT coupon_uses_not_negative CHECK (uses >= 0),
    CONSTRAINT coupon_never_overused CHECK (max_uses IS NULL OR uses <= max_uses)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS coupon_use (
    code        VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    order_id    BINARY(16) NOT NULL,
    person_id   BINARY(16) NULL,
    email_index BINARY(32) NULL,
    PRIMARY KEY (code, order_id),
    KEY coupon_use_of_person (code, person_id),
    KEY coupon_use_of_email (code, email_index)
) ENGINE = InnoDB;

-- Money that came in, each payment once.
CREATE TABLE IF NOT EXISTS capture (
    payment_id BINARY(16) NOT NULL,
    order_id   BINARY(16) NOT NULL,
    amount     BIGINT NOT NULL,
    currency   CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    accepted   BOOLEAN NOT NULL,
    at         DATETIME(6) NOT NULL,
    PRIMARY KEY (payment_id),
    KEY capture_of_order (order_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS refund (
    id         BINARY(16) NOT NULL,
    order_id   BINARY(16) NOT NULL,
    payment_id BINARY(16) NULL,
    return_id  BINARY(16) NULL,
    amount     BIGINT NOT NULL,
    currency   CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason     VARCHAR(200) NOT NULL,
    state      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Whether it gives back what the order was paid with, as opposed to money that never belonged to it.
    of_order   BOOLEAN NOT NULL,
    actor      VARCHAR(64) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    settled_at DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY refund_of_order (order_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS shipment (
    id           BINARY(16) NOT NULL,
    order_id     BINARY(16) NOT NULL,
    carrier      VARCHAR(80) NULL,
    tracking     VARCHAR(80) NULL,
    tracking_url VARCHAR(500) NULL,
    units        JSON NOT NULL,
    shipped_at   DATETIME(6) NOT NULL,
    delivered_at DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY shipment_of_order (order_id)
) ENGINE = InnoDB;

-- `return` is a word of SQL.
CREATE TABLE IF NOT EXISTS order_return (
    id           BINARY(16) NOT NULL,
    order_id     BINARY(16) NOT NULL,
    kind         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    units        JSON NOT NULL,
    reasons      VARBINARY(16384) NULL,
    requested_at DATETIME(6) NOT NULL,
    received_at  DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY order_return_of_order (order_id)
) ENGINE = InnoDB;

-- Invoice numbers follow each other without a gap (code général des impôts, annexe II, article 242 nonies A).
CREATE TABLE IF NOT EXISTS invoice_sequence (
    year SMALLINT UNSIGNED NOT NULL,
    last INT UNSIGNED NOT NULL,
    PRIMARY KEY (year)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS invoice (
    order_id  BINARY(16) NOT NULL,
    year      SMALLINT UNSIGNED NOT NULL,
    number    INT UNSIGNED NOT NULL,
    issued_at DATETIME(6) NOT NULL,
    PRIMARY KEY (order_id),
    CONSTRAINT invoice_number UNIQUE (year, number)
) ENGINE = InnoDB;
