#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

/// What the session's names of prepared statements and of portals stand for, as far as the order of messages tells.
///
/// A definition is tentative until the target confirms it, and visible at once to the Commands behind it. Commands are
/// ordered by their number. The target runs the messages between two Syncs (a segment) only while none fails, so a name
/// defined in the asker's own segment stands for that definition or is not reached; from another segment it may stand
/// for any definition that is not yet confirmed or overtaken, and when these differ the answer is "not known", never a
/// guess. Removals count only once confirmed: until then a stale definition is at worst one that the target no longer
/// has.
///
/// Protocol names and SQL names (PREPARE, DECLARE) share the two spaces, as they do in the server. Pure; one thread.
namespace sallyport::proto::postgres {

/// A statement that was prepared. `types`: OIDs as declared or as the target described them, 0 where unknown.
struct Prepared {
  std::shared_ptr<const std::string> text;
  std::vector<std::uint32_t> types;
};
using PreparedPointer = std::shared_ptr<const Prepared>;

class Names {
 public:
  enum class Space : std::uint8_t { statements, portals };
  enum class Origin : std::uint8_t { protocol, sql };  // a portal of SQL is a cursor, which may outlive its transaction

  /// `prepared` null: defined, but as what we do not know.
  void define(Space space, base::View name, std::uint64_t number, std::uint64_t segment, PreparedPointer prepared,
              Origin origin = Origin::protocol);
  /// What `number` defined turned out to be another statement than thought (it waited for what came before).
  void redefine(Space space, base::View name, std::uint64_t number, const PreparedPointer& prepared);
  /// The target told the parameter types of the statement that `number` asked about.
  void describe(base::View name, std::uint64_t number, const std::vector<std::uint32_t>& types);
  /// The target confirmed the first tentative definition by `number`: what was before it is gone.
  void confirm(Space space, base::View name, std::uint64_t number);
  /// The target refused or skipped `number`: its tentative definitions never were.
  void withdraw(Space space, base::View name, std::uint64_t number);
  /// Close or DEALLOCATE by `number` was confirmed.
  void remove(Space space, base::View name, std::uint64_t number);
  void remove_all(Space space, std::uint64_t number);
  /// A transaction ended before `number`: the portals of the protocol are gone.
  void end_transaction(std::uint64_t number);

  /// What `name` stands for, for a Command `number` in `segment`; null when not known.
  PreparedPointer find(Space space, base::View name, std::uint64_t number, std::uint64_t segment) const;
  /// The number of the Command whose definition that is; nullopt when there is more than one that it may be.
  std::optional<std::uint64_t> maker(Space space, base::View name, std::uint64_t number, std::uint64_t segment) const;
  /// The same two, for a Command that is yet to come.
  const std::string* text(Space space, base::View name) const;
  std::optional<std::uint64_t> maker(Space space, base::View name) const;
  /// Definitions held, and the octets of their texts and names: what the limits are about.
  std::size_t count() const { return count_; }
  std::size_t octets() const { return octets_; }

 private:
  struct Definition {
    std::uint64_t number = 0, segment = 0;
    bool is_confirmed = false;
    Origin origin = Origin::protocol;
    PreparedPointer prepared;
  };
  using Definitions = std::vector<Definition>;  // ascending by number; nearly always one
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(base::View name) const { return std::hash<base::View>{}(name); }
  };
  struct Map {
    Definitions unnamed;  // apart, since it is defined anew by nearly every Command
    std::unordered_map<std::string, Definitions, Hash, std::equal_to<>> named;
  };

  Map& in(Space space) { return space == Space::statements ? statements_ : portals_; }
  const Map& in(Space space) const { return space == Space::statements ? statements_ : portals_; }
  const Definitions* look(Space space, base::View name) const;
  Definitions* look(Space space, base::View name);
  template <class Predicate>
  void erase_if(Definitions& definitions, Predicate predicate);
  template <class Predicate>
  void erase_in(Space space, base::View name, Predicate predicate);
  template <class Predicate>
  void erase_everywhere(Space space, Predicate predicate);
  static std::size_t weight(const Definition& definition);

  Map statements_, portals_;
  std::size_t count_ = 0, octets_ = 0;
};

}  // namespace sallyport::proto::postgres
