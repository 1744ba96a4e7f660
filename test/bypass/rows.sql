-- Rows for the entries that are run (test/integration/bypass.py). First what deletes from orders when it is written.
INSERT INTO public.indexed VALUES (1), (2);
INSERT INTO public.split VALUES (1), (2);
INSERT INTO public.generated (id) VALUES (1);
INSERT INTO public.defaulted VALUES (1, 1);
INSERT INTO public.watched VALUES (1), (2);
INSERT INTO public.ruled_delete VALUES (1), (2);
INSERT INTO public.customers (name, email, ssn, born) VALUES ('Ada', 'ada@example.com', '111-11-1111', '1815-12-10'),
  ('Bob', 'bob@example.com', '222-22-2222', '1990-01-01'), ('Cyd', 'cyd@example.com', '333-33-3333', '1985-05-05');
INSERT INTO public.orders (customer_id, total, note, placed) VALUES (1, 10, 'first', '2025-01-01'), (1, 20, 'second', '2025-02-01'),
  (2, 30, 'third', '2025-03-01'), (3, 40, 'fourth', '2025-04-01');
INSERT INTO public.order_lines VALUES (1, 'pen', 3), (2, 'ink', 1), (3, 'paper', 500), (4, 'desk', 1);
INSERT INTO public.tempers VALUES (1, 'calm');
INSERT INTO public.labels VALUES (1, 'Blue', 'a => 1'), (2, 'Red', 'b => 2');
INSERT INTO public.moods VALUES (1, 'happy', 3), (2, 'sad', 1);
INSERT INTO public.audited VALUES (1, 'one'), (2, 'two');
INSERT INTO public.guarded VALUES (1, 'postgres'), (2, 'sallyport_test');
INSERT INTO public.trapped_rows VALUES (1);
INSERT INTO public.parts VALUES (1, '2025-06-01');
INSERT INTO public.regions VALUES (1, 'north'), (2, 'south');
INSERT INTO public.animals VALUES (1, 'dog');
INSERT INTO public.readings VALUES (1, '2025-06-01');
INSERT INTO "Weird ""Name" VALUES (1);
INSERT INTO secret.keys VALUES (1, 'sesame'), (2, 'abracadabra');
INSERT INTO secret.orders VALUES (1, 1000000);
INSERT INTO secret.visits VALUES (1, 'spy');
INSERT INTO secret.events VALUES (1, '2025-07-01');
INSERT INTO secret.cats VALUES (2, 'tom', 9);
INSERT INTO "public.secret".keys VALUES (1, 'dotted');
SELECT setval('secret.counter', 41);
SELECT lo_from_bytea(424242, 'a large secret');
ANALYZE secret.keys;
ANALYZE public.orders;

-- What masks/ is about. Whatever is masked there has an unmistakable value: test/integration/mask_forms.py looks for it.
INSERT INTO public.people VALUES
  (1, 'Ada', 'hush-ada@private.example', '911-55-1001', '4929 1111 7777 0001', 918273.25, 73510001, '1815-12-10',
   '{"diary": "hush-diary-ada", "child": {"email": "hush-child-ada"}}', '{hush-phone-ada,hush-mobile-ada}', 'hush-photo-ada',
   '("hush street ada","hush city ada")'),
  (2, 'Bob', 'hush-bob@private.example', '911-55-1002', '4929 1111 7777 0002', 918274.25, 73510002, '1990-01-01',
   '{"diary": "hush-diary-bob", "child": {"email": "hush-child-bob"}}', '{hush-phone-bob}', 'hush-photo-bob',
   '("hush street bob","hush city bob")'),
  (3, 'Cyd', 'hush-cyd@private.example', '911-55-1003', '4929 1111 7777 0003', 918275.25, 73510003, '1985-05-05',
   '{"diary": "hush-diary-cyd", "child": {"email": "hush-child-cyd"}}', '{hush-phone-cyd}', 'hush-photo-cyd',
   '("hush street cyd","hush city cyd")');
INSERT INTO public.former_people (id, name, email, ssn, left_at) VALUES
  (9, 'Dot', 'hush-dot@private.example', '911-55-1009', '2024-01-01');
INSERT INTO other.people VALUES (1, 'Eve', 'eve@open.example', '911-55-2001');
INSERT INTO public.accounts VALUES (1, 'DE-hush-iban-1', 'open-token-1', '2025-06-01'),
  (2, 'DE-hush-iban-2', 'hush-token-2', '2026-06-01');
INSERT INTO public.notes VALUES (1, 'milk'), (2, 'bread');
REFRESH MATERIALIZED VIEW public.people_kept;
ANALYZE public.people;
