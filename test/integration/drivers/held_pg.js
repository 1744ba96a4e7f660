// One held UPDATE by npm `pg`: node held_pg.js NUMBER simple|extended|named; where to connect is in PGHOST, PGPORT, ...
const fs = require('fs');
const { Client } = require('pg');

async function main() {
  const [number, how] = process.argv.slice(2);
  const client = new Client({ ssl: { ca: fs.readFileSync(process.env.SALLYPORT_TEST_CA, 'utf8') } });
  await client.connect();
  let notice = 'none';
  client.on('notice', (told) => { notice = told.message.split(':')[0]; });
  const texts = {
    simple: `UPDATE accounts SET balance = ${Number(number)} WHERE id = ${Number(number)}`,
    extended: { text: 'UPDATE accounts SET balance = $1 WHERE id = $2', values: [number, number] },
    named: { name: 'held', text: 'UPDATE accounts SET balance = $1 WHERE id = $2', values: [number, number] },
  };
  try {
    const done = await client.query(texts[how]);
    console.log(`${done.rowCount} row; notice: ${notice}`);
  } catch (error) {
    console.log(`${error.code} ${error.message}`);
  }
  await client.end();
}

main();
