#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/result.h"
#include "store/sqlite.h"

/// DATA/search.db: which sessions there were, and one row per distinct statement of each (FTS5, trigrams: any part of a
/// statement of three characters or more is found fast). Derived: the trail is the truth, a hit is shown only after it
/// was found there again, and the file may be deleted and rebuilt.
namespace sallyport::store {

struct SessionRow {
  std::string id{};  // 32 hexadecimal digits
  std::string principal{}, target{}, database{}, client_address{}, token_id{};
  std::int64_t opened_ns = 0;
  std::int64_t closed_ns = 0;  // 0: not closed as far as the index knows
  std::string reason{};        // why it ended
};

struct StatementRow {
  std::string session{};
  std::uint64_t op = 0;  // of the first request with it: where to find it in the trail
  std::int64_t time_ns = 0;
  std::string text{};
};

struct SessionEnd {
  std::string id{};
  std::int64_t closed_ns = 0;
  std::string reason{};
};

/// Fed from any thread without waiting: its own thread writes behind, in batches. When it cannot keep up, or after a
/// crash, rows are missing and it says so (`is_complete`) until it is rebuilt.
class SearchIndex {
 public:
  struct Limits {
    std::size_t queued_octets = std::size_t{16} << 20;
    std::size_t statement_octets = std::size_t{64} << 10;  // the rest of a longer statement is not found
  };
  using Row = std::variant<SessionRow, StatementRow, SessionEnd>;

  static base::Result<std::unique_ptr<SearchIndex>> open(const std::string& path, Limits limits);
  /// Writes what is queued.
  ~SearchIndex();
  SearchIndex(const SearchIndex&) = delete;
  SearchIndex& operator=(const SearchIndex&) = delete;

  void add(Row row);
  /// Waits until what was added before is written.
  void flush();

  /// False: rows were lost; `rebuild` is due.
  bool is_complete() const;

  /// Newest first. `text`: any part of a statement; letters' case does not matter.
  base::Result<std::vector<StatementRow>> search(std::string_view text, std::size_t limit);
  /// Newest first.
  base::Result<std::vector<SessionRow>> sessions(std::size_t limit);
  base::Result<SessionRow> session(const std::string& id);

  /// Forgets all rows and takes those that `feed` gives to the function it is called with. What is added meanwhile is
  /// kept.
  using Sink = std::function<void(Row)>;
  base::Result<void> rebuild(const std::function<base::Result<void>(const Sink&)>& feed);

 private:
  SearchIndex(Database writer, Database reader, Limits limits);
  void write_behind();
  base::Result<void> write(const std::vector<Row>& rows);
  base::Result<void> write_one(const Row& row);
  /// The statement in `place`, prepared the first time: that costs as much as running it.
  base::Result<Query*> kept(std::optional<Query>& place, std::string_view sql);
  base::Result<void> set_complete(bool is_complete);
  base::Result<std::vector<StatementRow>> matches(Query& query);

  Limits limits_;
  std::mutex writer_mutex_;  // one transaction at a time
  Database writer_;
  std::optional<Query> insert_session_, insert_statement_, insert_words_;  // the writer's
  std::mutex reader_mutex_;
  Database reader_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Row> queue_;
  std::size_t queued_octets_ = 0;
  std::uint64_t added_ = 0;    // rows ever queued
  std::uint64_t settled_ = 0;  // of these: written, or lost
  int flushing_ = 0;           // who waits in flush()
  bool is_stopping_ = false;
  bool has_lost_ = false;
  std::thread thread_;
};

/// Which statements of one session were handed to the index already; so that the same text over and over costs one
/// hash. One session, one thread. Forgets when full: the index itself drops what it has.
class SeenStatements {
 public:
  explicit SeenStatements(std::size_t most = 1024) : most_(most) {}
  /// True the first time.
  bool is_new(std::string_view text);

 private:
  std::size_t most_;
  std::unordered_set<std::size_t> seen_;
};

}  // namespace sallyport::store
