import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;

/** Prints what the JDBC driver gets: java -cp postgresql.jar MaskJdbc.java URL USER (FILE | metadata); the password is in
 *  SALLYPORT_TEST_TOKEN. FILE holds a statement a line; each is asked as text and three times prepared, at last in binary. */
class MaskJdbc {
  public static void main(String[] arguments) throws Exception {
    Properties how = new Properties();
    how.setProperty("user", arguments[1]);
    how.setProperty("password", System.getenv("SALLYPORT_TEST_TOKEN"));
    how.setProperty("prepareThreshold", "2");
    try (Connection database = DriverManager.getConnection(arguments[0], how)) {
      if (arguments[2].equals("metadata")) {
        metadata(database.getMetaData());
        return;
      }
      List<String> statements = Files.readAllLines(Path.of(arguments[2]));
      for (String statement : statements) ask(database, statement);
    }
  }

  static void ask(Connection database, String text) throws SQLException {
    System.out.println("== " + text);
    try (Statement statement = database.createStatement()) {
      print(statement.executeQuery(text));
      for (SQLWarning told = statement.getWarnings(); told != null; told = told.getNextWarning()) System.out.println(told);
    } catch (SQLException error) {
      System.out.println(error.getSQLState() + " " + error);
    }
    try (PreparedStatement statement = database.prepareStatement(text)) {
      for (int round = 0; round < 3; round++) print(statement.executeQuery());
    } catch (SQLException error) {
      System.out.println(error.getSQLState() + " " + error);
    }
  }

  static void print(ResultSet rows) throws SQLException {
    ResultSetMetaData what = rows.getMetaData();
    while (rows.next()) {
      StringBuilder line = new StringBuilder("row");
      for (int column = 1; column <= what.getColumnCount(); column++) line.append(" | ").append(rows.getString(column));
      System.out.println(line);
    }
    rows.close();
  }

  static void metadata(DatabaseMetaData about) throws SQLException {
    print(about.getSchemas());
    print(about.getTables(null, null, "%", new String[] {"TABLE", "VIEW", "MATERIALIZED VIEW", "PARTITIONED TABLE"}));
    print(about.getColumns(null, "public", "%", "%"));
    print(about.getPrimaryKeys(null, "public", "people"));
    print(about.getImportedKeys(null, "public", "accounts"));
    print(about.getExportedKeys(null, "public", "people"));
    print(about.getIndexInfo(null, "public", "people", false, true));
    print(about.getTablePrivileges(null, "public", "people"));
    print(about.getFunctions(null, "public", "f%"));
    print(about.getFunctionColumns(null, "public", "f_out", "%"));
    print(about.getUDTs(null, "public", "%", null));
    print(about.getBestRowIdentifier(null, "public", "people", DatabaseMetaData.bestRowSession, true));
  }
}
