#pragma once
#include <map>
#include <string>
#include <vector>

#include "sql/understand.h"

/// For tests only: the names of a session, as a codec keeps them.
namespace sallyport::sql {

class SessionNames : public Names {
 public:
  const std::string* prepared_text(base::View name) const override { return find(prepared_, name); }
  const std::string* cursor_text(base::View name) const override { return find(cursors_, name); }
  void prepare(const std::string& name, const std::string& text) { prepared_[name] = text; }
  void declare(const std::string& name, const std::string& text) { cursors_[name] = text; }
  void apply(const std::vector<model::NameChange>& changes) {
    using Kind = model::NameChange::Kind;
    for (const auto& change : changes) {
      if (change.kind == Kind::prepare) prepare(change.name, change.text);
      if (change.kind == Kind::declare) declare(change.name, change.text);
      if (change.kind == Kind::deallocate) prepared_.erase(change.name);
      if (change.kind == Kind::close) cursors_.erase(change.name);
      if (change.kind == Kind::deallocate_all || change.kind == Kind::discard_all) prepared_.clear();
      if (change.kind == Kind::close_all || change.kind == Kind::discard_all) cursors_.clear();
    }
  }

 private:
  using Texts = std::map<std::string, std::string>;
  static const std::string* find(const Texts& texts, base::View name) {
    const auto found = texts.find(std::string(name));
    return found == texts.end() ? nullptr : &found->second;
  }
  Texts prepared_{}, cursors_{};
};

}  // namespace sallyport::sql
