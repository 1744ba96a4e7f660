import java.io.StringReader;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Properties;
import org.postgresql.PGConnection;

/** The JDBC driver through the gateway: java -cp postgresql.jar Jdbc.java URL; the token is in SALLYPORT_TEST_TOKEN. */
class Jdbc {
  static void equal(Object found, Object expected, String what) {
    if (!found.equals(expected)) throw new AssertionError(what + ": found " + found + ", expected " + expected);
    System.out.println("ok " + what);
  }

  public static void main(String[] arguments) throws Exception {
    Properties how = new Properties();
    how.setProperty("user", "anyone");
    how.setProperty("password", System.getenv("SALLYPORT_TEST_TOKEN"));
    how.setProperty("defaultRowFetchSize", "7");
    try (Connection database = DriverManager.getConnection(arguments[0], how)) {
      statements(database);
      prepared(database);
      transactions(database);
      copies(database);
      metadata(database);
    }
  }

  static void statements(Connection database) throws SQLException {
    try (Statement statement = database.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS jdbc; CREATE TABLE jdbc (id serial PRIMARY KEY, v text, n numeric, b bytea)");
      equal(statement.executeUpdate("INSERT INTO jdbc (v) VALUES ('one'), ('two')"), 2, "update count");
      try (ResultSet rows = statement.executeQuery("SELECT v FROM jdbc ORDER BY id")) {
        rows.next();
        equal(rows.getString(1), "one", "a row");
      }
      try {
        statement.executeQuery("SELECT * FROM missing");
        throw new AssertionError("no error");
      } catch (SQLException error) {
        equal(error.getSQLState(), "42P01", "an error's state");
      }
    }
  }

  static void prepared(Connection database) throws SQLException {
    try (PreparedStatement statement = database.prepareStatement("SELECT ?::int + 1, ?::text, ?::bytea")) {
      for (int round = 0; round < 20; round++) {  // from the fifth on the driver uses a named statement and binary results
        statement.setInt(1, round);
        statement.setString(2, "naïve " + round);
        statement.setBytes(3, new byte[] {0, 1, (byte) round});
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          if (rows.getInt(1) != round + 1 || !rows.getString(2).equals("naïve " + round) || rows.getBytes(3)[2] != round) {
            throw new AssertionError("round " + round);
          }
        }
      }
      System.out.println("ok prepared twenty times");
    }
    database.setAutoCommit(false);
    try (Statement statement = database.createStatement();
        ResultSet rows = statement.executeQuery("SELECT generate_series(1, 100)")) {  // a portal, seven rows at a time
      int sum = 0;
      while (rows.next()) sum += rows.getInt(1);
      equal(sum, 5050, "rows by portal");
    }
    database.commit();
    database.setAutoCommit(true);
    try (PreparedStatement statement = database.prepareStatement("INSERT INTO jdbc (v) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
      for (int row = 0; row < 300; row++) {
        statement.setString(1, "batch " + row);
        statement.addBatch();
      }
      equal(statement.executeBatch().length, 300, "a batch");
    }
    try (PreparedStatement statement = database.prepareStatement("INSERT INTO jdbc (id, v) VALUES (?, 'x')")) {
      for (int row : new int[] {5000, 5001, 5000, 5002}) {
        statement.setInt(1, row);
        statement.addBatch();
      }
      statement.executeBatch();
      throw new AssertionError("no error");
    } catch (BatchUpdateException error) {
      equal(error.getSQLState(), "23505", "an error inside a batch");
    }
  }

  static void transactions(Connection database) throws SQLException {
    database.setAutoCommit(false);
    try (Statement statement = database.createStatement()) {
      statement.executeUpdate("INSERT INTO jdbc (v) VALUES ('in transaction')");
      Savepoint savepoint = database.setSavepoint("here");
      try {
        statement.execute("SELECT 1/0");
        throw new AssertionError("no error");
      } catch (SQLException error) {
        equal(error.getSQLState(), "22012", "division by zero");
      }
      database.rollback(savepoint);
      statement.executeUpdate("INSERT INTO jdbc (v) VALUES ('after savepoint')");
      database.commit();
      try (ResultSet rows = statement.executeQuery("SELECT count(*) FROM jdbc WHERE v IN ('in transaction', 'after savepoint')")) {
        rows.next();
        equal(rows.getInt(1), 2, "savepoint and commit");
      }
      database.rollback();
    }
    database.setAutoCommit(true);
    try (Statement statement = database.createStatement()) {
      statement.setQueryTimeout(1);  // a cancel request by a second session
      statement.execute("SELECT pg_sleep(30)");
      throw new AssertionError("no timeout");
    } catch (SQLException error) {
      equal(error.getSQLState(), "57014", "a cancelled statement");
    }
  }

  static void copies(Connection database) throws Exception {
    var copy = database.unwrap(PGConnection.class).getCopyAPI();
    equal(copy.copyIn("COPY jdbc (v) FROM STDIN", new StringReader("x\ny\nz\n")), 3L, "COPY in");
    equal(copy.copyOut("COPY (SELECT v FROM jdbc ORDER BY id LIMIT 4) TO STDOUT", new java.io.StringWriter()), 4L, "COPY out");
  }

  static void metadata(Connection database) throws SQLException {
    DatabaseMetaData about = database.getMetaData();
    equal(about.getDatabaseMajorVersion(), 15, "the version");
    try (ResultSet columns = about.getColumns(null, "public", "jdbc", null)) {
      int count = 0;
      while (columns.next()) count++;
      equal(count, 4, "columns by metadata");
    }
    try (ResultSet keys = about.getPrimaryKeys(null, "public", "jdbc")) {
      equal(keys.next(), true, "primary key by metadata");
    }
  }
}
