CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, item TEXT NOT NULL);
CREATE INDEX orders_by_customer ON orders (customer);
