#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// SQLite with owners and Results. A Database and its Queries belong to one thread at a time.
namespace sallyport::store {

class Database;

/// One prepared statement. `bind` numbers from 1, columns from 0. The first error sticks and comes out of `step`.
class Query {
 public:
  Query& bind(int place, std::string_view text);
  Query& bind_octets(int place, std::string_view octets);
  Query& bind(int place, std::int64_t number);
  Query& bind_null(int place);

  /// True: a row is there. False: done.
  base::Result<bool> step();
  /// For statements that give no row. Resets, so that it can be bound and run again.
  base::Result<void> run();
  void reset();

  std::string text(int column) const;  // also octets; empty for NULL
  std::int64_t number(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Free {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Query(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  void note(int code);
  base::Error error(int code) const;
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Free> statement_;
  int first_error_ = SQLITE_OK;
};

enum class Sync : std::uint8_t {
  full,    // a commit survives a power cut
  normal,  // a commit may be lost, the file stays sound: for what can be rebuilt
};

class Database {
 public:
  /// Creates the file with mode 0600 when it is not there. WAL. `migrations[i]` leads from version i to i+1; a file of
  /// a newer version than we know is refused.
  static base::Result<Database> open(const std::string& path, Sync sync, const std::vector<const char*>& migrations);

  base::Result<void> execute(const char* sql);
  base::Result<Query> prepare(std::string_view sql);
  std::int64_t changes() const { return sqlite3_changes64(database_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  Database() = default;
  base::Result<void> migrate(const std::vector<const char*>& migrations);
  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace sallyport::store
