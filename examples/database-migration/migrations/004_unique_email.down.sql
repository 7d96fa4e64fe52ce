DROP INDEX customers_by_email;
DROP TABLE mail_log;
