#include "approval/fingerprint.h"

#include <type_traits>

namespace sallyport::approval {
namespace {

/// Everything with its length in front: no two lists of parts give the same octets.
class Writer {
 public:
  Writer& text(base::View octets) {
    number(octets.size());
    octets_ += octets;
    return *this;
  }
  template <class T>
  Writer& number(T value) {
    base::append_big<std::uint64_t>(octets_, static_cast<std::uint64_t>(value));
    return *this;
  }
  const base::Bytes& octets() const { return octets_; }

 private:
  base::Bytes octets_;
};

void put_relation(Writer& to, const model::Relation& relation, const model::Catalogue* catalogue) {
  to.text(relation.schema).text(relation.name).number(relation.oid);
  to.number(relation.is_read).number(relation.is_written);
  const model::CatalogueRelation* known = catalogue == nullptr ? nullptr : catalogue->relation(relation.oid);
  to.number(known != nullptr);
  if (known == nullptr) return;
  to.number(known->kind).number(known->has_triggers).number(known->has_rules).text(known->definition);
  to.number(known->columns.size());
  for (const auto& column : known->columns) to.text(column.name).number(column.number).number(column.type);
  for (const auto* list : {&known->read_expressions, &known->write_expressions}) {
    to.number(list->size());
    for (const auto& expression : *list) to.text(expression);
  }
  to.number(known->cascades.size());
  for (const auto oid : known->cascades) to.number(oid);
}

void put_values(Writer& to, const model::Command& command) {
  to.number(command.parameter_types.size());
  for (const auto type : command.parameter_types) to.number(type);
  to.number(command.parameters.size());
  for (const auto& parameter : command.parameters)
    to.number(parameter.type).number(parameter.is_null).number(parameter.is_binary).text(parameter.octets);
  to.number(command.function);
}

}  // namespace

base::Digest fingerprint(const Basis& basis, Values values) {
  const model::Understanding& what = *basis.understanding;
  Writer to;
  to.text("sallyport-hold/v1").text(basis.principal->name).text(*basis.target).text(*basis.database);
  to.number(basis.rule_set).text(basis.command->text ? base::View(*basis.command->text) : base::View());
  to.number(what.stored.size());
  for (const auto& stored : what.stored) to.number(stored.kind).text(stored.name).text(stored.text);
  if (values == Values::with) put_values(to, *basis.command);
  to.text(basis.catalogue == nullptr ? base::View() : base::View(basis.catalogue->role()));
  to.text(model::to_string(what.effects)).number(what.relations.size());
  for (const auto& relation : what.relations) put_relation(to, relation, basis.catalogue);
  to.number(basis.session->path).number(basis.session->search_path.size());
  for (const auto& schema : basis.session->search_path) to.text(schema);
  if (basis.session->path == sql::SessionState::Path::standard && basis.catalogue != nullptr) {
    to.number(basis.catalogue->search_path().size());
    for (const auto& schema : basis.catalogue->search_path()) to.text(schema);
  }
  return base::sha256(to.octets());
}

}  // namespace sallyport::approval
