-- Over rows.sql, in a twin of its database: every value that masks/ masks is another one, everything else is the same. What
-- answers differently in the two tells about a masked value (test/integration/mask_forms.py).
UPDATE public.customers SET email = 'same@elsewhere.example', ssn = '999-99-9999';
UPDATE public.people SET
  email = CASE id WHEN 1 THEN 'zz-other-ada@elsewhere.example' WHEN 2 THEN 'mm-other@elsewhere.example' WHEN 9 THEN 'd@elsewhere.example' END,
  ssn = '812-' || (90 - id), card = '1111 ' || (90 - id), salary = 1.5 * id, pin = CASE id WHEN 1 THEN 0 WHEN 2 THEN 2 WHEN 3 THEN 1 ELSE 8 END, document = '["other"]',
  phones = ARRAY['x', 'y', 'z', 'other' || id], photo = 'short', home = ROW('other street', 'other city');
UPDATE public.accounts SET iban = 'FR-other-' || id;
UPDATE public.accounts_2026 SET token = 'other-token';
UPDATE other.people SET ssn = '000-00-0000';
REFRESH MATERIALIZED VIEW public.people_kept;
ANALYZE public.people;
