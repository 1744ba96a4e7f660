import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Properties;

/** Held UPDATEs by the JDBC driver: java -cp postgresql.jar HeldJdbc.java URL NUMBER [batch]; the token is in SALLYPORT_TEST_TOKEN. */
class HeldJdbc {
  public static void main(String[] arguments) throws Exception {
    Properties how = new Properties();
    how.setProperty("user", "anyone");
    how.setProperty("password", System.getenv("SALLYPORT_TEST_TOKEN"));
    int number = Integer.parseInt(arguments[1]);
    try (Connection database = DriverManager.getConnection(arguments[0], how);
        PreparedStatement update = database.prepareStatement("UPDATE accounts SET balance = ? WHERE id = ?")) {
      update.setInt(1, number);
      update.setInt(2, number);
      if (arguments.length > 2) {
        update.addBatch();
        update.setInt(2, number + 1);
        update.addBatch();
        System.out.println(update.executeBatch().length + " updates");
        return;
      }
      int rows = update.executeUpdate();
      System.out.println(rows + " row; notice: " + update.getWarnings().getMessage().split(":")[0]);
    } catch (SQLException error) {
      System.out.println(error.getSQLState() + " " + error.getMessage());
    }
  }
}
