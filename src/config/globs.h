#pragma once
#include <string_view>

/// What globs have to do with each other (`*` any run of characters, `?` one), for what `check` warns of. Pure.
namespace sallyport::config {

/// Whatever `narrow` matches `wide` matches, too. False when that is not plain to see.
bool glob_covers(std::string_view wide, std::string_view narrow);
/// There is a text that both match.
bool globs_meet(std::string_view a, std::string_view b);

/// The same for [SCHEMA.]TABLE.COLUMN, part by part; a schema that is not stated is any.
bool column_glob_covers(std::string_view wide, std::string_view narrow);
/// `columns` names some column of a relation that `relations`, [SCHEMA.]NAME, names.
bool column_glob_meets_relations(std::string_view columns, std::string_view relations);

}  // namespace sallyport::config
