#pragma once
#include <optional>
#include <string>

#include "base/bytes.h"
#include "model/understanding.h"

/// What a change of a setting (PostgreSQL: GUC) does. Pure.
namespace sallyport::sql {

struct SettingChange {
  model::EffectSet effects{};
  bool is_housekeeping = false;
  bool lifts_read_only = false;
  std::optional<model::NameChange> change{};
  std::optional<model::Refusal> refusal{};
  std::string note{};
};

/// SET name = value. `value` nullopt: not a constant, thus not known. `""` with `is_default`: SET … TO DEFAULT, RESET.
/// The gateway pins client_encoding to UTF8 and standard_conforming_strings to on: the parser and the server must read
/// the same string. Their defaults are what the session began with, which the session checks at login.
SettingChange understand_setting(base::View name, const std::optional<std::string>& value, bool is_default,
                                 bool is_local);

}  // namespace sallyport::sql
