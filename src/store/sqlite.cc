#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sallyport::store {
namespace {

base::Error explain(int code, const char* message, const std::string& path) {
  const int kind = code & 0xff;
  const bool is_damaged = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
  return {is_damaged ? base::Code::corrupt : base::Code::unavailable,
          path.empty() ? fmt::format("the store says: {}", message) : fmt::format("{}: {}", path, message),
          kind == SQLITE_FULL ? "make room on the disk" : ""};
}

}  // namespace

Query& Query::bind(int place, std::string_view text) {
  note(sqlite3_bind_text64(statement_.get(), place, text.data() == nullptr ? "" : text.data(), text.size(),
                           SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}
Query& Query::bind_octets(int place, std::string_view octets) {
  note(sqlite3_bind_blob64(statement_.get(), place, octets.data() == nullptr ? "" : octets.data(), octets.size(),
                           SQLITE_TRANSIENT));
  return *this;
}
Query& Query::bind(int place, std::int64_t number) {
  note(sqlite3_bind_int64(statement_.get(), place, number));
  return *this;
}
Query& Query::bind_null(int place) {
  note(sqlite3_bind_null(statement_.get(), place));
  return *this;
}

void Query::note(int code) {
  if (first_error_ == SQLITE_OK) first_error_ = code;
}

base::Error Query::error(int code) const { return explain(code, sqlite3_errmsg(database_), {}); }

base::Result<bool> Query::step() {
  if (first_error_ != SQLITE_OK) return std::unexpected(error(first_error_));
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(error(code));
}

base::Result<void> Query::run() {
  auto more = step();
  while (more && *more) more = step();
  reset();
  if (!more) return std::unexpected(more.error());
  return {};
}

void Query::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  first_error_ = SQLITE_OK;
}

std::string Query::text(int column) const {
  const void* octets = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return octets == nullptr ? std::string()
                           : std::string(static_cast<const char*>(octets), static_cast<std::size_t>(size));
}
std::int64_t Query::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }
bool Query::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

base::Result<Database> Database::open(const std::string& path, Sync sync, const std::vector<const char*>& migrations) {
  // SQLite gives its side files the mode of this one.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return base::fail(base::Code::unavailable, fmt::format("{}: {}", path, std::strerror(errno)),
                      "the data folder must exist and belong to this user");
  ::fchmod(file, 0600);
  ::close(file);

  Database database;
  database.path_ = path;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database.database_.reset(raw);
  if (code != SQLITE_OK)
    return std::unexpected(explain(code, raw == nullptr ? "no memory" : sqlite3_errmsg(raw), path));
  sqlite3_busy_timeout(raw, 5000);
  sqlite3_extended_result_codes(raw, 1);
  const char* settings =
      sync == Sync::full
          ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF"
          : "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF";
  if (auto set = database.execute(settings); !set) return std::unexpected(set.error());
  if (auto migrated = database.migrate(migrations); !migrated) return std::unexpected(migrated.error());
  return database;
}

base::Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(explain(code, sqlite3_errmsg(database_.get()), path_));
  return {};
}

base::Result<Query> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return std::unexpected(explain(code, sqlite3_errmsg(database_.get()), path_));
  return Query(database_.get(), statement);
}

base::Result<void> Database::migrate(const std::vector<const char*>& migrations) {
  auto query = prepare("PRAGMA user_version");
  if (!query) return std::unexpected(query.error());
  auto row = query->step();
  if (!row) return std::unexpected(row.error());
  const auto version = static_cast<std::size_t>(query->number(0));
  query->reset();
  if (version > migrations.size())
    return base::fail(
        base::Code::unsupported,
        fmt::format("{}: its version {} is newer than the {} this program knows", path_, version, migrations.size()),
        "run the newer Sallyport that wrote it");
  for (std::size_t next = version; next < migrations.size(); ++next) {
    const std::string script =
        fmt::format("BEGIN IMMEDIATE; {}; PRAGMA user_version={}; COMMIT", migrations[next], next + 1);
    if (auto done = execute(script.c_str()); !done) {
      // The transaction may have ended by itself: then this says so, and the first error is the one that counts.
      static_cast<void>(execute("ROLLBACK"));
      return done;
    }
  }
  return {};
}

}  // namespace sallyport::store
