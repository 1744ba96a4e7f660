#include "store/search_index.h"

#include <algorithm>

#include "base/digest.h"

namespace sallyport::store {
namespace {

const std::vector<const char*> kMigrations = {
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), is_complete INTEGER NOT NULL) STRICT;"
    "INSERT INTO state VALUES (1, 1);"
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, principal TEXT NOT NULL, target TEXT NOT NULL, database TEXT NOT NULL,"
    " client_address TEXT NOT NULL, token_id TEXT NOT NULL, opened_ns INTEGER NOT NULL, closed_ns INTEGER NOT NULL,"
    " reason TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX sessions_by_time ON sessions (opened_ns);"
    "CREATE TABLE statements (id INTEGER PRIMARY KEY, session TEXT NOT NULL, digest BLOB NOT NULL, op INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (session, digest)) STRICT;"
    "CREATE VIRTUAL TABLE statement_words USING fts5 (text, content='statements', content_rowid='id', "
    "tokenize='trigram')",
};
constexpr std::size_t kBatch = 1000;
/// How long rows are gathered before they are written: a transaction costs as much as several rows.
constexpr auto kGather = std::chrono::milliseconds(100);

std::size_t octets_of(const SearchIndex::Row& row) {
  const auto* statement = std::get_if<StatementRow>(&row);
  return 256 + (statement == nullptr ? 0 : statement->text.size());
}

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// FTS5's own quoting: between double quotes everything is text but the quote, which is doubled.
std::string phrase(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace

bool SeenStatements::is_new(std::string_view text) {
  if (seen_.size() >= most_) seen_.clear();
  return seen_.insert(std::hash<std::string_view>()(text)).second;
}

SearchIndex::SearchIndex(Database writer, Database reader, Limits limits)
    : limits_(limits), writer_(std::move(writer)), reader_(std::move(reader)) {}

base::Result<std::unique_ptr<SearchIndex>> SearchIndex::open(const std::string& path, Limits limits) {
  auto writer = Database::open(path, Sync::normal, kMigrations);
  if (!writer) return std::unexpected(writer.error());
  auto reader = Database::open(path, Sync::normal, kMigrations);
  if (!reader) return std::unexpected(reader.error());
  std::unique_ptr<SearchIndex> index(new SearchIndex(std::move(*writer), std::move(*reader), limits));
  auto query = index->reader_.prepare("SELECT is_complete FROM state");
  if (!query) return std::unexpected(query.error());
  if (auto row = query->step(); !row) return std::unexpected(row.error());
  index->has_lost_ = query->number(0) == 0;
  query->reset();
  // Until the orderly end below, what is queued could be lost: a crash leaves this mark.
  if (auto marked = index->set_complete(false); !marked) return std::unexpected(marked.error());
  index->thread_ = std::thread([raw = index.get()] { raw->write_behind(); });
  return index;
}

SearchIndex::~SearchIndex() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (!has_lost_) static_cast<void>(set_complete(true));
}

base::Result<void> SearchIndex::set_complete(bool is_complete) {
  const std::lock_guard lock(writer_mutex_);
  return writer_.execute(is_complete ? "UPDATE state SET is_complete = 1" : "UPDATE state SET is_complete = 0");
}

bool SearchIndex::is_complete() const {
  const std::lock_guard lock(mutex_);
  return !has_lost_;
}

void SearchIndex::add(Row row) {
  if (auto* statement = std::get_if<StatementRow>(&row);
      statement != nullptr && statement->text.size() > limits_.statement_octets)
    statement->text.resize(limits_.statement_octets);
  const std::size_t octets = octets_of(row);
  {
    const std::lock_guard lock(mutex_);
    if (queued_octets_ + octets > limits_.queued_octets) {
      has_lost_ = true;
      return;
    }
    queued_octets_ += octets;
    ++added_;
    queue_.push_back(std::move(row));
    if (queue_.size() > 1) return;  // it is awake, or was told
  }
  changed_.notify_all();
}

void SearchIndex::flush() {
  std::unique_lock lock(mutex_);
  ++flushing_;
  changed_.notify_all();
  changed_.wait(lock, [this, until = added_] { return settled_ >= until; });
  --flushing_;
}

void SearchIndex::write_behind() {
  pthread_setname_np(pthread_self(), "index");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !queue_.empty() || is_stopping_; });
    if (queue_.empty()) return;
    changed_.wait_for(lock, kGather, [this] { return flushing_ > 0 || is_stopping_; });
    std::vector<Row> rows;
    while (!queue_.empty() && rows.size() < kBatch) {
      queued_octets_ -= octets_of(queue_.front());
      rows.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    lock.unlock();
    const bool is_written = write(rows).has_value();
    lock.lock();
    settled_ += rows.size();
    if (!is_written) has_lost_ = true;
    changed_.notify_all();
  }
}

base::Result<void> SearchIndex::write(const std::vector<Row>& rows) {
  const std::lock_guard lock(writer_mutex_);
  if (auto began = writer_.execute("BEGIN IMMEDIATE"); !began) return began;
  for (const Row& row : rows) {
    if (auto done = write_one(row); !done) {
      static_cast<void>(writer_.execute("ROLLBACK"));
      return done;
    }
  }
  return writer_.execute("COMMIT");
}

base::Result<Query*> SearchIndex::kept(std::optional<Query>& place, std::string_view sql) {
  if (!place) {
    auto query = writer_.prepare(sql);
    if (!query) return std::unexpected(query.error());
    place = std::move(*query);
  }
  return &*place;
}

base::Result<void> SearchIndex::write_one(const Row& row) {
  if (const auto* session = std::get_if<SessionRow>(&row)) {
    auto prepared =
        kept(insert_session_, "INSERT INTO sessions VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT (id) DO NOTHING");
    if (!prepared) return std::unexpected(prepared.error());
    Query* const query = *prepared;
    query->bind(1, session->id).bind(2, session->principal).bind(3, session->target).bind(4, session->database);
    query->bind(5, session->client_address).bind(6, session->token_id).bind(7, session->opened_ns);
    return query->bind(8, session->closed_ns).bind(9, session->reason).run();
  }
  if (const auto* end = std::get_if<SessionEnd>(&row)) {
    auto query = writer_.prepare("UPDATE sessions SET closed_ns = ?2, reason = ?3 WHERE id = ?1");
    if (!query) return std::unexpected(query.error());
    return query->bind(1, end->id).bind(2, end->closed_ns).bind(3, end->reason).run();
  }
  const auto& statement = std::get<StatementRow>(row);
  const base::Digest digest = base::sha256(statement.text);
  auto prepared = kept(
      insert_statement_,
      "INSERT INTO statements (session, digest, op, time_ns, text) VALUES (?1,?2,?3,?4,?5) ON CONFLICT DO NOTHING");
  if (!prepared) return std::unexpected(prepared.error());
  Query* const query = *prepared;
  query->bind(1, statement.session).bind_octets(2, base::view(digest).substr(0, 16));
  query->bind(3, static_cast<std::int64_t>(statement.op)).bind(4, statement.time_ns).bind(5, statement.text);
  if (auto done = query->run(); !done) return done;
  if (writer_.changes() == 0) return {};
  auto words = kept(insert_words_, "INSERT INTO statement_words (rowid, text) VALUES (last_insert_rowid(), ?1)");
  if (!words) return std::unexpected(words.error());
  return (*words)->bind(1, statement.text).run();
}

base::Result<std::vector<StatementRow>> SearchIndex::matches(Query& query) {
  std::vector<StatementRow> rows;
  auto more = query.step();
  for (; more && *more; more = query.step())
    rows.push_back({query.text(0), static_cast<std::uint64_t>(query.number(1)), query.number(2), query.text(3)});
  if (!more) return std::unexpected(more.error());
  return rows;
}

base::Result<std::vector<StatementRow>> SearchIndex::search(std::string_view text, std::size_t limit) {
  if (text.empty() || !base::is_utf8_without_nul(text))
    return base::fail(base::Code::malformed, "the text to search for must be UTF-8 and not empty");
  const std::lock_guard lock(reader_mutex_);
  const bool is_long = characters_of(text) >= 3;
  auto query = reader_.prepare(
      is_long ? "SELECT s.session, s.op, s.time_ns, s.text FROM statement_words w JOIN statements s ON s.id = w.rowid"
                " WHERE statement_words MATCH ?1 ORDER BY s.time_ns DESC, s.id DESC LIMIT ?2"
              : "SELECT session, op, time_ns, text FROM statements"
                " WHERE instr(lower(text), lower(?1)) > 0 ORDER BY time_ns DESC, id DESC LIMIT ?2");
  if (!query) return std::unexpected(query.error());
  if (is_long)
    query->bind(1, phrase(text));
  else
    query->bind(1, text);
  query->bind(2, static_cast<std::int64_t>(limit));
  return matches(*query);
}

base::Result<std::vector<SessionRow>> SearchIndex::sessions(std::size_t limit) {
  const std::lock_guard lock(reader_mutex_);
  auto query = reader_.prepare(
      "SELECT id, principal, target, database, client_address, token_id, opened_ns, closed_ns, reason FROM sessions"
      " ORDER BY opened_ns DESC LIMIT ?1");
  if (!query) return std::unexpected(query.error());
  query->bind(1, static_cast<std::int64_t>(limit));
  std::vector<SessionRow> rows;
  auto more = query->step();
  for (; more && *more; more = query->step())
    rows.push_back({query->text(0), query->text(1), query->text(2), query->text(3), query->text(4), query->text(5),
                    query->number(6), query->number(7), query->text(8)});
  if (!more) return std::unexpected(more.error());
  return rows;
}

base::Result<SessionRow> SearchIndex::session(const std::string& id) {
  const std::lock_guard lock(reader_mutex_);
  auto query = reader_.prepare(
      "SELECT id, principal, target, database, client_address, token_id, opened_ns, closed_ns, reason FROM sessions"
      " WHERE id = ?1");
  if (!query) return std::unexpected(query.error());
  query->bind(1, id);
  const auto row = query->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return base::fail(base::Code::denied, "there is no such session", "sallyport sessions list shows them");
  return SessionRow{query->text(0), query->text(1),   query->text(2),   query->text(3), query->text(4),
                    query->text(5), query->number(6), query->number(7), query->text(8)};
}

base::Result<void> SearchIndex::rebuild(const std::function<base::Result<void>(const Sink&)>& feed) {
  flush();
  {
    // If it fails on the way, what is there is not all.
    const std::lock_guard lock(mutex_);
    has_lost_ = true;
  }
  {
    const std::lock_guard lock(writer_mutex_);
    auto cleared = writer_.execute(
        "BEGIN IMMEDIATE; UPDATE state SET is_complete = 0; DELETE FROM sessions; DELETE FROM statements;"
        "INSERT INTO statement_words (statement_words) VALUES ('rebuild'); COMMIT");
    if (!cleared) {
      static_cast<void>(writer_.execute("ROLLBACK"));
      return cleared;
    }
  }
  bool is_kept = true;
  base::Error failure;
  std::vector<Row> rows;
  const auto write_rows = [&] {
    if (auto done = write(rows); !done) is_kept = false, failure = done.error();
    rows.clear();
  };
  auto fed = feed([&](Row row) {
    if (auto* statement = std::get_if<StatementRow>(&row);
        statement != nullptr && statement->text.size() > limits_.statement_octets)
      statement->text.resize(limits_.statement_octets);
    rows.push_back(std::move(row));
    if (rows.size() >= kBatch) write_rows();
  });
  write_rows();
  if (!fed) return fed;
  if (!is_kept) return std::unexpected(failure);
  const std::lock_guard lock(mutex_);
  has_lost_ = false;
  return {};
}

}  // namespace sallyport::store
