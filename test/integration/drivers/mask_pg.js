// Prints what npm `pg` gets: node mask_pg.js (FILE | metadata); FILE holds a statement a line. The session is named by
// PGHOST, PGPORT, ...; SALLYPORT_TEST_CA verifies it.
const fs = require('fs');
const { Client } = require('pg');

const ssl = { ca: fs.readFileSync(process.env.SALLYPORT_TEST_CA, 'utf8'), rejectUnauthorized: true };
const METADATA = [
  "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema IN ('public', 'other') ORDER BY 1, 2",
  "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, ordinal_position",
  "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
  "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
  "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
  "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE attrelid = 'people'::regclass AND attnum > 0 ORDER BY attnum",
  "SELECT n.nspname, p.proname, pg_get_function_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'public' ORDER BY 1, 2, 3",
];

async function ask(client, text, how) {
  try {
    const told = await client.query({ text, rowMode: 'array', ...how });
    for (const row of told.rows) console.log('row ' + JSON.stringify(row));
  } catch (error) {
    console.log(error.code + ' ' + error.message + ' ' + JSON.stringify(error));
  }
}

async function main() {
  const client = new Client({ ssl });
  client.on('notice', (told) => console.log('notice ' + told.message));
  client.on('error', (error) => console.log('lost ' + error.message));
  await client.connect();
  if (process.argv[2] === 'metadata') {
    for (const text of METADATA) await ask(client, text, {});
  } else {
    let number = 0;
    for (const text of fs.readFileSync(process.argv[2], 'utf8').split('\n').filter((line) => line)) {
      console.log('== ' + text);
      number += 1;
      await ask(client, text, {});
      await ask(client, text, { name: 'n' + number });
      await ask(client, text, { name: 'b' + number, binary: true });
    }
  }
  await client.end();
}

main().catch((error) => { console.error(error); process.exit(1); });
