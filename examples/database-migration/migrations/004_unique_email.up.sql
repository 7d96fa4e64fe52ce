CREATE TABLE mail_log (email TEXT NOT NULL, sent_at TEXT NOT NULL);
CREATE UNIQUE INDEX customers_by_email ON customers (email);
