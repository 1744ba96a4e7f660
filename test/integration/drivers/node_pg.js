// npm `pg` through the gateway: node node_pg.js; the session is named by PGHOST, PGPORT, ...; the token by PGPASSWORD.
const fs = require('fs');
const assert = require('assert');
const { Client, Pool } = require('pg');

const ssl = process.env.SALLYPORT_TEST_CA
  ? { ca: fs.readFileSync(process.env.SALLYPORT_TEST_CA, 'utf8'), rejectUnauthorized: true }
  : false;
const told = (what) => console.log('ok ' + what);

async function main() {
  const client = new Client({ ssl });
  await client.connect();
  await client.query('DROP TABLE IF EXISTS node_pg');
  await client.query('CREATE TABLE node_pg (id int PRIMARY KEY, v jsonb)');
  const inserted = await client.query('INSERT INTO node_pg VALUES ($1, $2) RETURNING *', [1, { a: [1, 'é'] }]);
  assert.deepStrictEqual(inserted.rows, [{ id: 1, v: { a: [1, 'é'] } }]);
  told('parameters and rows');
  for (let round = 0; round < 10; round++) {
    const named = await client.query({ name: 'named', text: 'SELECT $1::int * 2 AS twice', values: [round] });
    assert.strictEqual(named.rows[0].twice, round * 2);
  }
  told('named statement');
  await assert.rejects(client.query('SELECT * FROM missing'), { code: '42P01' });
  await assert.rejects(client.query('SELECT $1::int', ['x']), { code: '22P02' });
  told('errors');
  const several = await client.query('SELECT 1 AS a; SELECT 2 AS b');
  assert.strictEqual(several.length, 2);
  told('several statements');
  await client.query('BEGIN');
  await client.query('INSERT INTO node_pg VALUES (2, NULL)');
  await client.query('ROLLBACK');
  assert.strictEqual((await client.query('SELECT count(*)::int AS n FROM node_pg')).rows[0].n, 1);
  told('transaction');
  const heard = new Promise((resolve) => client.on('notification', resolve));
  await client.query('LISTEN node_pg');
  await client.query("NOTIFY node_pg, 'hello'");
  assert.strictEqual((await heard).payload, 'hello');
  told('notification');
  const large = await client.query('SELECT length($1) AS n', ['x'.repeat(3000000)]);
  assert.strictEqual(large.rows[0].n, 3000000);
  told('a large value');
  await client.end();
  const pool = new Pool({ ssl, max: 8 });
  const answers = await Promise.all([...Array(200).keys()].map((n) => pool.query('SELECT $1::int AS n', [n])));
  assert.ok(answers.every((answer, n) => answer.rows[0].n === n));
  await pool.end();
  told('a pool of eight');
}

main().catch((error) => { console.error(error); process.exit(1); });
