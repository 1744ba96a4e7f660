#include <algorithm>
#include <utility>

#include "sql/lexer.h"
#include "sql/walk.h"

namespace sallyport::sql {
namespace {

using model::Effect;

constexpr int kMaxDepth = 32;  // of views inside views; PostgreSQL's own limit is the stack

DottedName name_of(const PgQuery__RangeVar& relation) { return {relation.schemaname, relation.relname}; }

}  // namespace

void Walker::mention_any(base::View schema, bool is_read, bool is_written) {
  mention(std::string(schema), "*", 0, is_read, is_written);
}

/// Rows of a partition or heir are rows of what it belongs to, and the other way round.
void Walker::mention_kin(const model::CatalogueRelation& relation, bool is_read, bool is_written) {
  const auto* catalogue = resolver_.catalogue();
  if (catalogue == nullptr) return;
  const auto imply = [&](const model::CatalogueRelation& other) {
    const std::size_t known = found_.relations.size();
    mention(std::string(catalogue->schema_name(other.schema)), other.name, other.oid, is_read, is_written);
    if (found_.relations.size() > known) found_.relations.back().is_implied = true;
  };
  for (const auto* parent : catalogue->above(relation)) imply(*parent);
  for (const auto* child : catalogue->below(relation)) {
    imply(*child);
    touch_columns(*child);
    if (child->kind != 'f') continue;
    effects_.add(Effect::server);
    found_.note = "foreign table " + child->name + " is on another server";
  }
}

void Walker::mention(std::string schema, base::View name, std::uint32_t oid, bool is_read, bool is_written) {
  const auto found = std::ranges::find_if(
      found_.relations, [&](const model::Relation& known) { return known.schema == schema && known.name == name; });
  if (found == found_.relations.end()) {
    found_.relations.push_back({std::move(schema), std::string(name), oid, is_read, is_written});
    return;
  }
  found->is_read |= is_read;
  found->is_written |= is_written;
  found->is_implied = false;
}

/// A statement's own mention of a relation: what a view reads is its owner's to choose.
void Walker::note_rows(const std::vector<RelationMeaning>& meanings, const PgQuery__RangeVar& mention) {
  if (depth_ > 0) return;
  const auto pins = filters_.take_pins(&mention);
  if (meanings.empty()) found_.rows.push_back({.schema = "", .relation = std::string(mention.relname)});
  for (const auto& meaning : meanings) {
    model::RowAccess rows{.schema = meaning.schema, .relation = std::string(mention.relname)};
    // A name that is no column of it may be one of a query around this one.
    const auto is_column = [&](const std::string& name) {
      return meaning.relation != nullptr &&
             std::ranges::any_of(meaning.relation->columns, [&](const auto& column) { return column.name == name; });
    };
    for (const auto& name : pins) {
      if (is_column(name)) rows.pinned.push_back(name);
    }
    found_.rows.push_back(std::move(rows));
  }
}

/// What the names in WHERE and its kind may mean: columns of the relations of the text, wherever they are. A name that
/// may be another one for something may be any column of them.
void Walker::resolve_filters() {
  // No value of the user's.
  static constexpr base::View kSystemColumns[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};
  if (filters_.names().empty() && !filters_.is_anything()) return;
  std::set<model::FilterColumn> columns;
  bool is_any = filters_.is_anything();
  for (const auto& name : filters_.names()) {
    if (std::ranges::find(kSystemColumns, name) != std::end(kSystemColumns) && !filters_.may_be_renamed(name)) continue;
    bool is_found = false;
    for (const auto& relation : found_.relations) {
      const auto* known = resolver_.relation(relation.oid);
      if (relation.oid != 0 && relation.oid < model::kFirstUserOid) {
        columns.insert({relation.schema, relation.name, name});
      } else if (known == nullptr) {
        is_any = true;
      } else if (std::ranges::any_of(known->columns, [&](const auto& column) { return column.name == name; })) {
        is_found = true;
        columns.insert({relation.schema, relation.name, name});
        // A view's column may be another name for a column of what it reads.
        is_any = is_any || known->kind == 'v' || known->kind == 'm';
      }
    }
    is_any = is_any || !is_found || filters_.may_be_renamed(name);
  }
  for (const auto& relation : found_.relations) {
    if (!is_any) break;
    if (relation.oid != 0 && relation.oid < model::kFirstUserOid) continue;
    const auto* known = resolver_.relation(relation.oid);
    if (known == nullptr) columns.insert({relation.schema, relation.name, ""});
    if (known == nullptr) continue;
    for (const auto& column : known->columns) columns.insert({relation.schema, relation.name, column.name});
  }
  found_.filters.assign(columns.begin(), columns.end());
}

void Walker::touch_columns(const model::CatalogueRelation& relation) {
  relations_.insert(relation.oid);
  for (const auto& column : relation.columns) {
    if (column.type >= model::kFirstUserOid) types_.insert(column.type);
  }
}

void Walker::read_relation(const PgQuery__RangeVar& relation) {
  const DottedName name = name_of(relation);
  if (name.schema.empty() && std::ranges::find(ctes_, name.name) != ctes_.end()) return;
  const auto meanings = resolver_.relations(name);
  note_rows(meanings, relation);
  if (meanings.empty()) {
    mention(std::string(name.schema), name.name, 0, true, writes_through_view_);
    any_type_ = true;
    return add_unknown("relation " + name.text() + " is not known");
  }
  for (const auto& meaning : meanings) {
    read_meaning(meaning, name.name);
    if (writes_through_view_) write_meaning(meaning, name.name, view_write_);
  }
}

void Walker::read_meaning(const RelationMeaning& meaning, base::View name) {
  mention(meaning.schema, name, meaning.relation == nullptr ? 0 : meaning.relation->oid, true, false);
  effects_.add(Effect::read);
  if (meaning.is_system) {
    const auto effects = effects_of_reading_system_relation(name);
    if (effects.has(Effect::privilege)) found_.note = "relation " + std::string(name) + " holds credentials";
    if (shows_values_of_others(name)) mention_any("", true, false);
    return effects_.add(effects);
  }
  if (meaning.relation == nullptr) {  // made by this session
    any_type_ = true;
    return;
  }
  touch_columns(*meaning.relation);
  mention_kin(*meaning.relation, true, false);
  switch (meaning.relation->kind) {
    case 'v':
      return expand(*meaning.relation);
    case 'f':
      effects_.add(Effect::server);
      found_.note = "foreign table " + std::string(name) + " is on another server";
      break;
    default:  // tables, materialized views, sequences hold their rows themselves
      break;
  }
  // Rules of a table are about writes: ON SELECT is a view's _RETURN alone.
  for (const auto& expression : meaning.relation->read_expressions) owners_expression(expression);
}

/// What a view's definition reads and calls. PostgreSQL prints it, under the search path of for_definitions().
void Walker::expand(const model::CatalogueRelation& view) {
  if (std::ranges::find(open_views_, view.oid) != open_views_.end()) return;
  if (open_views_.size() >= static_cast<std::size_t>(kMaxDepth)) return add_unknown("views are nested too deeply");
  open_views_.push_back(view.oid);
  in_definition(view.definition);
  open_views_.pop_back();
}

void Walker::in_definition(const std::string& text) {
  // The stack holds all definitions that are open.
  const std::size_t nesting = nesting_bound(text);
  if (definition_nesting_ + nesting > limits_.nesting) return add_unknown("definitions are nested too deeply");
  const auto tree = Tree::parse(text);
  if (!tree || tree->statements().size() != 1) return add_unknown("a definition could not be parsed");
  Resolver outer = std::exchange(resolver_, resolver_.for_definitions());
  auto ctes = std::exchange(ctes_, {});
  const Use use = std::exchange(use_, Use::read);
  ++depth_;
  definition_nesting_ += nesting;
  visit(*tree->statements().front().message);
  definition_nesting_ -= nesting;
  --depth_;
  use_ = use;
  ctes_ = std::move(ctes);
  resolver_ = std::move(outer);
}

/// An expression that a relation's owner attached to it: its functions count, the relations that it reads do not, since
/// whoever may use the relation may not choose them.
void Walker::owners_expression(const std::string& expression) {
  if (depth_ >= kMaxDepth) return add_unknown("definitions are nested too deeply");
  auto relations = found_.relations;
  const auto effects = std::exchange(effects_, {});
  const bool writes = std::exchange(writes_through_view_, false);
  in_definition("SELECT " + expression);
  writes_through_view_ = writes;
  effects_ = effects_.without({Effect::read});
  effects_.add(effects);
  found_.relations = std::move(relations);
}

void Walker::define_relation(const PgQuery__RangeVar& relation) {
  const DottedName name = name_of(relation);
  const auto meanings = resolver_.relations(name);
  if (meanings.empty()) mention(std::string(name.schema), name.name, 0, false, true);
  for (const auto& meaning : meanings) {
    mention(meaning.schema, name.name, meaning.relation == nullptr ? 0 : meaning.relation->oid, false, true);
    if (meaning.relation != nullptr) mention_kin(*meaning.relation, false, true);
    if (meaning.is_system) effects_.add({Effect::privilege, Effect::server});
  }
}

void Walker::write_relation(const PgQuery__RangeVar* relation, Write how) {
  if (relation == nullptr) return add_unknown("the gateway does not know what is written");
  const DottedName name = name_of(*relation);
  const auto meanings = resolver_.relations(name);
  note_rows(meanings, *relation);
  effects_.add(Effect::write);
  if (meanings.empty()) {
    mention(std::string(name.schema), name.name, 0, false, true);
    any_type_ = true;
    return add_unknown("relation " + name.text() + " is not known");
  }
  for (const auto& meaning : meanings) write_meaning(meaning, name.name, how);
}

void Walker::write_meaning(const RelationMeaning& meaning, base::View name, Write how) {
  mention(meaning.schema, name, meaning.relation == nullptr ? 0 : meaning.relation->oid, false, true);
  effects_.add(Effect::write);
  if (meaning.is_system) {
    // The rule on pg_settings calls set_config; the catalogues themselves are the target's privileges.
    if (name == "pg_settings") return add_unknown("an UPDATE of pg_settings changes settings");
    effects_.add({Effect::privilege, Effect::server});
    found_.note = "relation " + std::string(name) + " is a catalogue of the server";
    return;
  }
  if (meaning.relation == nullptr) {
    any_type_ = true;
    return;
  }
  write_user_relation(*meaning.relation, how);
}

void Walker::write_user_relation(const model::CatalogueRelation& relation, Write how) {
  touch_columns(relation);
  mention_kin(relation, false, true);
  const bool is_new = written_.insert(relation.oid).second;
  if (!is_new && how == Write::insert) return;
  if (relation.has_triggers) {
    effects_.add(Effect::call);
    if (found_.note.empty()) found_.note = "relation " + relation.name + " has triggers";
  }
  if (relation.has_rules) add_unknown("relation " + relation.name + " has rules that rewrite statements");
  if (relation.kind == 'f') effects_.add(Effect::server);
  if (relation.kind == 'v') {
    // An updatable view passes the write on to what it reads.
    const bool outer = std::exchange(writes_through_view_, true);
    const Write outer_how = std::exchange(view_write_, how);
    expand(relation);
    view_write_ = outer_how;
    writes_through_view_ = outer;
    return;
  }
  if (is_new) {
    for (const auto& expression : relation.read_expressions) owners_expression(expression);
    for (const auto& expression : relation.write_expressions) owners_expression(expression);
  }
  if (how == Write::insert || resolver_.catalogue() == nullptr) return;
  for (const std::uint32_t oid : relation.cascades) {
    const auto* other = resolver_.catalogue()->relation(oid);
    if (other == nullptr || written_.contains(oid)) continue;
    mention(std::string(resolver_.catalogue()->schema_name(other->schema)), other->name, oid, false, true);
    write_user_relation(*other, Write::change);
  }
  // An UPDATE or DELETE of a parent changes its heirs' rows, and what refers to those.
  for (const std::uint32_t oid : relation.children) {
    const auto* child = resolver_.catalogue()->relation(oid);
    if (child != nullptr && !written_.contains(oid)) write_user_relation(*child, Write::change);
  }
}

void Walker::truncate_cascade(const model::CatalogueRelation& relation) {
  for (const std::uint32_t oid : relation.references) {
    const auto* other = resolver_.catalogue()->relation(oid);
    if (other == nullptr) continue;
    const bool is_new = !written_.contains(oid);
    mention(std::string(resolver_.catalogue()->schema_name(other->schema)), other->name, oid, false, true);
    write_user_relation(*other, Write::change);
    if (is_new) truncate_cascade(*other);
  }
}

/// The expressions that run when the rows are read anew: of indexes, checks, generated columns.
void Walker::run_expressions(const model::CatalogueRelation& relation) {
  for (const auto& expression : relation.write_expressions) owners_expression(expression);
}

}  // namespace sallyport::sql
