#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "model/catalogue.h"
#include "model/understanding.h"

/// What an SQL text of PostgreSQL does: effects, relations, kinds of statements, changes of names (DESIGN.md section
/// 6). Pure and total: any octets give an Understanding. What cannot be parsed or resolved has the effect `unknown`.
///
/// Needs up to 8 MiB of stack: libpg_query recurses, and the walk over its tree does. Limits::nesting bounds it.
namespace sallyport::sql {

/// What the names that only the session knows stand for; the codec's maps answer (proto/codec.h).
class Names {
 public:
  Names() = default;
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;
  virtual ~Names() = default;
  /// The query text behind EXECUTE name, or FETCH FROM name; nullptr: not known.
  virtual const std::string* prepared_text(base::View name) const = 0;
  virtual const std::string* cursor_text(base::View name) const = 0;
};

/// What of the session changes the meaning of a text.
struct SessionState {
  enum class Path : std::uint8_t {
    standard,  // Catalogue::search_path
    listed,    // `search_path`
    unknown,   // any schema might be in it
  };
  Path path = Path::standard;
  std::vector<std::string> search_path{};
  /// What Path::standard stands for when the session's start settings say so: as NameChange::Kind::search_path has it.
  std::optional<model::NameChange> standard{};
  struct Made {
    std::string schema{};  // empty: not known; "pg_temp": temporary
    std::string name{};
    bool is_view = false;
    friend bool operator==(const Made&, const Made&) = default;
  };
  /// Relations that this session made and that the Catalogue may not show: temporary tables, and those of a transaction
  /// that is still open. At most kMaxProvisional, oldest first.
  std::vector<Made> provisional{};
  static constexpr std::size_t kMaxProvisional = 500;
  /// The session changed functions, types, views or the like, and the Catalogue may not show it yet: whatever reads or
  /// writes may run that code. Set by apply(), cleared by settle().
  bool has_own_definitions = false;
};

struct Limits {
  std::size_t statement = base::operator""_KiB(64);  // octets of text
  std::size_t nesting = 1500;                        // levels of the tree, estimated before it is built
};

struct Input {
  base::View text{};
  std::span<const std::uint32_t> parameter_types{};
  const Names* names = nullptr;                 // nullptr: none is known
  const model::Catalogue* catalogue = nullptr;  // nullptr: only what comes with PostgreSQL is known
  const SessionState* session = nullptr;        // nullptr: as a session begins
  Limits limits{};
};

model::Understanding understand(const Input& input);

/// One function by its OID (the protocol's FunctionCall).
model::Understanding understand_call(std::uint32_t function, const model::Catalogue* catalogue);

/// Settings of a session's start, as if each were SET.
model::Understanding understand_settings(const std::vector<std::pair<std::string, std::string>>& settings);

/// The state of a session that began with these settings.
SessionState start_of(const model::Understanding& settings);

/// Brings `state` up to date after the target confirmed a Command. `in_transaction`: the change may still be rolled
/// back.
void apply(const model::Understanding& understanding, bool in_transaction, SessionState& state);

/// Call when a Catalogue that was read after the session's last change, and while it had no transaction open, has taken
/// the place of the one before.
void settle(SessionState& state);

}  // namespace sallyport::sql
