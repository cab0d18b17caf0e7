-- A refund is a change of an invoice, which a document of its own says (code général des impôts, annexe II, article 242 nonies A; BOI-TVA-DECLA-30-20-20-30). Its numbers
-- follow each other without a gap, in a sequence apart from that of invoices.
CREATE TABLE IF NOT EXISTS credit_note_sequence (
    year SMALLINT UNSIGNED NOT NULL,
    last INT UNSIGNED NOT NULL,
    PRIMARY KEY (year)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS credit_note (
    refund_id BINARY(16) NOT NULL,
    year      SMALLINT UNSIGNED NOT NULL,
    number    INT UNSIGNED NOT NULL,
    issued_at DATETIME(6) NOT NULL,
    PRIMARY KEY (refund_id),
    CONSTRAINT credit_note_number UNIQUE (year, number)
) ENGINE = InnoDB;
