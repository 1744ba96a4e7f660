#include "mask/masker.h"

#include <algorithm>
#include <functional>

namespace sallyport::mask {
namespace {

using base::Bytes;
using base::Code;
using base::fail;
using base::Result;
using base::View;
using model::Cell;
using model::Section;
using policy::MaskRule;
using policy::MaskWay;

constexpr std::size_t kMostExpected = 1 << 17;  // more than the codec lets be outstanding
constexpr std::size_t kKeptCells = 1 << 16;     // what a core may keep of a large result
constexpr View kVeil = "[masked: the statement touches masked columns, so what the target says is not shown]";

std::unexpected<base::Error> unreadable() {
  return fail(Code::malformed, "the target sent a result that cannot be read, so it cannot be masked");
}

}  // namespace

std::uint32_t Masked::rule(const std::string& name) {
  const auto index = std::ranges::find(rules_, name) - rules_.begin();
  if (static_cast<std::size_t>(index) == rules_.size()) rules_.push_back(name);
  return static_cast<std::uint32_t>(index);
}

/// The masked octets of one Reply, as they come to be.
class Masker::Writing {
 public:
  explicit Writing(Masked& masked) : masked_(masked), raw_(masked.reply_.wire) {}
  View raw() const { return raw_; }
  Bytes& out() { return out_; }

  /// What is between the last thing written and `begin` stays as it came.
  void keep_until(std::size_t begin) {
    out_.append(raw_.substr(at_, begin - at_));
    at_ = begin;
  }
  /// What was appended to out() since `before` stands in the place of raw [at, end).
  void wrote(std::size_t end, std::size_t before) {
    is_changed_ =
        is_changed_ || out_.size() - before != end - at_ || View(out_).substr(before) != raw_.substr(at_, end - at_);
    at_ = end;
  }
  void changed(View raw, std::size_t masked_size, const MaskRule& by) {
    masked_.changes_.push_back({.begin = static_cast<std::size_t>(raw.data() - raw_.data()),
                                .size = raw.size(),
                                .masked_size = masked_size,
                                .rule = masked_.rule(by.name)});
  }
  void finish() {
    if (!is_changed_) {
      masked_.changes_.clear();
      masked_.rules_.clear();
      return;
    }
    keep_until(raw_.size());
    masked_.raw_ = std::exchange(masked_.reply_.wire, std::move(out_));
    masked_.is_changed_ = true;
  }

 private:
  Masked& masked_;
  const View raw_;
  std::size_t at_ = 0;
  Bytes out_{};
  bool is_changed_ = false;
};

Masker::Masker(Options options) { begin(std::move(options)); }

void Masker::begin(Options options) {
  options_ = std::move(options);
  if (options_.scratch == nullptr && options_.format != nullptr) own_ = std::make_unique<Scratch>();
  scratch_ = own_ ? own_.get() : options_.scratch;
}

void Masker::expect(std::uint64_t command, std::shared_ptr<const policy::MaskPlan> plan) {
  if (!options_.has_column_masks && plan == nullptr) return;
  if (expected_.size() >= kMostExpected) expected_.pop_front();  // answered without a plan: masked whole
  expected_.push_back({command, std::move(plan)});
}

const policy::MaskPlan* Masker::plan_of(std::uint64_t command) const {
  const auto found = std::ranges::lower_bound(expected_, command, {}, &Expected::command);
  return found == expected_.end() || found->command != command ? nullptr : found->plan.get();
}

const model::StatementLineage* Masker::lineage_of(const Place& place) const {
  const auto* plan = plan_of(place.command);
  if (plan == nullptr || plan->understanding == nullptr) return nullptr;
  const auto& statements = plan->understanding->lineage.statements;
  return place.statement < statements.size() ? &statements[place.statement] : nullptr;
}

// ---- which columns of the result at hand are masked ----

void Masker::turn_to(const Section& section) {
  const Place place{section.command, section.statement};
  if (current_.place != place) current_ = Current{.place = place};
  if (section.shape != nullptr && section.shape != current_.shape) {
    current_.shape = section.shape;
    current_.columns = options_.format->columns(*section.shape);
    current_.shown.reset();
  }
}

/// Whether the target's word about a column is what was understood.
bool Masker::agrees(const model::Column& column, const model::ResultColumn& traced) const {
  constexpr std::uint32_t kFirstUserOid = 16384;
  if (column.table < kFirstUserOid) return traced.origin.is_system;
  constexpr std::uint16_t kWholeRow = 0;
  const auto& columns = plan_of(current_.place.command)->understanding->lineage.columns;
  return std::ranges::any_of(traced.origin.from, [&](std::uint32_t index) {
    const model::LineageColumn& from = columns[index];
    // Of a temporary table nothing but its name is known.
    if (from.relation_oid == 0) return true;
    if (column.attribute == kWholeRow) return from.relation_oid == column.table && !traced.is_plain;
    return from.relation_oid == column.table && from.number == static_cast<std::int16_t>(column.attribute);
  });
}

/// Column `column` of a result of `width` columns.
Masker::Shown Masker::decide(std::size_t column, std::size_t width) const {
  Shown shown;
  if (current_.columns && column < current_.columns->size() && current_.columns->size() == width) {
    const model::Column& described = (*current_.columns)[column];
    shown.type = described.type;
    shown.form = described.is_binary ? Form::binary : Form::text;
    shown.is_known = true;
  }
  if (!options_.has_column_masks) return shown;
  const MaskRule& untraced = policy::TargetMasks::untraced();
  const auto mask_whole = [&] {
    shown.mask = &untraced;
    shown.way = untraced.way;
    return shown;
  };
  const auto* lineage = lineage_of(current_.place);
  if (lineage == nullptr) return mask_whole();
  const auto& results = lineage->results;
  const auto many = [](const model::ResultColumn& result) { return result.is_many; };
  const auto first_many = static_cast<std::size_t>(std::ranges::find_if(results, many) - results.begin());
  const auto counted = static_cast<std::size_t>(std::ranges::count_if(results, std::not_fn(many)));
  if (width < counted || (width > counted && counted == results.size())) return mask_whole();

  const auto* plan = plan_of(current_.place.command);
  const auto& planned = plan->results;
  const auto take = [&](std::size_t at) {
    if (planned.empty()) return;
    const auto& own = planned[current_.place.statement][at];
    if (own.mask == nullptr || (shown.mask != nullptr && !policy::is_stronger(own.way, shown.way))) return;
    shown.mask = own.mask;
    shown.way = own.way;
  };
  // From the right what stands behind the last of unknown width; between, any of them.
  std::size_t first = column, end = column + 1;
  if (column >= first_many) {
    std::size_t behind = 0;
    while (!results[results.size() - 1 - behind].is_many) ++behind;
    const bool is_behind = width - column <= behind;
    first = is_behind ? results.size() - (width - column) : first_many;
    end = is_behind ? first + 1 : results.size() - behind;
  }
  constexpr std::uint16_t kFirstSystemColumn = 0x8000;  // negative: ctid and its like, no value of the user's
  bool is_agreed = !shown.is_known || (*current_.columns)[column].table == 0 ||
                   (*current_.columns)[column].attribute >= kFirstSystemColumn;
  for (std::size_t at = first; at < end; ++at) {
    take(at);
    is_agreed = is_agreed || agrees((*current_.columns)[column], results[at]);
  }
  if (!shown.is_known && end == first + 1) shown.type = results[first].type;
  if (!is_agreed) return mask_whole();
  return shown;
}

void Masker::show(std::size_t width) {
  if (current_.shown && current_.shown->size() == width) return;
  current_.shown.emplace();
  current_.masks_any = false;
  for (std::size_t column = 0; column < width; ++column) {
    current_.shown->push_back(decide(column, width));
    current_.masks_any = current_.masks_any || current_.shown->back().mask != nullptr;
  }
}

// ---- values and texts ----

bool Masker::mask_cell(Cell& cell, const Shown& shown, bool finds, Bytes& storage, const MaskRule*& by) {
  if (cell.is_null) return false;
  if (shown.mask != nullptr) {
    by = shown.mask;
    cell = mask_value(cell, shown.type, shown.form, *shown.mask, shown.way, storage);
    return true;
  }
  if (!finds || options_.finders == nullptr) return false;
  auto& parts = scratch_->parts;
  find_parts(*options_.finders, cell.octets, scratch_->hits, parts);
  if (parts.empty()) return false;
  by = parts.front().mask;
  cell = mask_parts(cell, shown.type, shown.form, parts, storage);
  return true;
}

/// A text of a message: no value has a type here.
std::optional<std::string> Masker::mask_text(View text, const MaskRule*& by) {
  constexpr std::uint32_t kText = 25;
  std::optional<std::string> masked;
  Bytes storage;
  Cell cell{.octets = text};
  if (!mask_cell(cell, {.type = kText, .is_known = true}, true, storage, by)) return masked;
  masked = cell.is_null ? std::string("[masked]") : std::string(cell.octets);
  return masked;
}

// ---- sections ----

Result<void> Masker::write_rows(const Section& section, Writing& out, bool finds) {
  const View frames = out.raw().substr(section.begin, section.end - section.begin);
  auto& [rows, shown, storage, hits, parts] = *scratch_;
  rows.cells.clear();
  rows.rows.clear();
  if (!options_.format->rows(frames, rows)) return unreadable();
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const model::Row& row = rows.rows[i];
    const std::size_t end = i + 1 < rows.rows.size() ? rows.rows[i + 1].first_cell : rows.cells.size();
    const auto cells = std::span(rows.cells).subspan(row.first_cell, end - row.first_cell);
    show(cells.size());
    if (!current_.masks_any && !finds) continue;
    if (storage.size() < cells.size()) storage.resize(cells.size());
    bool is_changed = false;
    shown.assign(cells.begin(), cells.end());
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const MaskRule* by = nullptr;
      if (!mask_cell(shown[column], (*current_.shown)[column], finds, storage[column], by)) continue;
      is_changed = true;
      out.changed(cells[column].octets, shown[column].octets.size(), *by);
    }
    if (!is_changed) continue;
    out.keep_until(section.begin + row.begin);
    const std::size_t before = out.out().size();
    options_.format->append_row(shown, out.out());
    out.wrote(section.begin + row.end, before);
  }
  if (rows.cells.capacity() > kKeptCells) *scratch_ = {};
  return {};
}

/// Cells of COPY have no description: their types are what the catalogue says of plain columns.
class Masker::CopyRows final : public model::CopyRewriter::Visitor {
 public:
  CopyRows(Masker& masker, Form form, bool finds) : masker_(masker), form_(form), finds_(finds) {}
  bool row(std::span<Cell> cells) override {
    masker_.show(cells.size());
    if (!masker_.current_.masks_any && !finds_) return false;
    if (masker_.scratch_->storage.size() < cells.size()) masker_.scratch_->storage.resize(cells.size());
    bool is_changed = false;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      Shown shown = (*masker_.current_.shown)[column];
      shown.form = form_;
      constexpr std::uint32_t kText = 25;
      // What a detector finds in a value of unknown type is replaced in the text that COPY writes.
      if (shown.mask == nullptr && shown.type == 0 && form_ == Form::text) shown.type = kText;
      const MaskRule* mask = nullptr;
      if (!masker_.mask_cell(cells[column], shown, finds_, masker_.scratch_->storage[column], mask)) continue;
      is_changed = true;
      if (by == nullptr) by = mask;
    }
    return is_changed;
  }
  const MaskRule* by = nullptr;

 private:
  Masker& masker_;
  const Form form_;
  const bool finds_;
};

Result<void> Masker::write_copy(const Section& section, Writing& out, bool finds) {
  const auto* lineage = lineage_of(current_.place);
  model::CopyFormat format;
  if (lineage != nullptr && lineage->is_copy) format = lineage->copy;
  const bool is_known = lineage != nullptr && lineage->is_copy && format.is_readable;
  if (!is_known && !options_.has_column_masks) {
    if (finds) write_part(section, out);
    return {};
  }
  if (!is_known) {
    return fail(Code::unsupported,
                "the target sent COPY data in a form that the gateway cannot read, so it cannot be masked",
                "use COPY with FORMAT text, csv or binary, in UTF8");
  }
  if (!current_.copy) current_.copy = options_.format->copy(format);
  const Form form = format.kind == model::CopyFormat::Kind::binary ? Form::binary : Form::text;
  for (std::size_t at = section.begin; at < section.end;) {
    const std::size_t size = options_.format->frame_size(out.raw().substr(at, section.end - at));
    if (size == 0) return unreadable();
    const View frame = out.raw().substr(at, size);
    CopyRows visitor(*this, form, finds);
    out.keep_until(at);
    const std::size_t before = out.out().size();
    if (auto done = current_.copy->rewrite(frame, visitor, out.out()); !done) return done;
    if (visitor.by != nullptr) out.changed(frame, out.out().size() - before, *visitor.by);
    out.wrote(at + size, before);
    at += size;
  }
  return {};
}

Result<void> Masker::write_value(const Section& section, Writing& out, bool finds) {
  const View frame = out.raw().substr(section.begin, section.end - section.begin);
  auto cell = options_.format->value(frame);
  if (!cell) return unreadable();
  show(1);
  Bytes storage;
  const MaskRule* by = nullptr;
  if (!mask_cell(*cell, current_.shown->front(), finds, storage, by)) return {};
  out.keep_until(section.begin);
  const std::size_t before = out.out().size();
  options_.format->append_value(*cell, out.out());
  out.changed(frame, out.out().size() - before, *by);
  out.wrote(section.end, before);
  return {};
}

Result<void> Masker::write_text(const Section& section, Writing& out) {
  struct Found final : model::ResultFormat::Texts {
    explicit Found(Masker& of) : masker(of) {}
    std::optional<std::string> text(View text) override { return masker.mask_text(text, by); }
    Masker& masker;
    const MaskRule* by = nullptr;
  } found(*this);
  const View frame = out.raw().substr(section.begin, section.end - section.begin);
  const bool is_veiled = (section.kind == Section::Kind::notification && options_.has_column_masks) ||
                         (section.kind != Section::Kind::description && is_veiled_);
  out.keep_until(section.begin);
  const std::size_t before = out.out().size();
  const bool is_read = is_veiled ? options_.format->veil(frame, kVeil, out.out())
                                 : options_.format->rewrite_texts(frame, found, out.out());
  if (!is_read) return unreadable();
  const MaskRule* by = is_veiled ? &policy::TargetMasks::untraced() : found.by;
  if (by != nullptr) out.changed(frame, out.out().size() - before, *by);
  out.wrote(section.end, before);
  return {};
}

/// Its length was told before: what is found keeps its own.
void Masker::write_part(const Section& section, Writing& out) {
  const View part = out.raw().substr(section.begin, section.end - section.begin);
  find_parts(*options_.finders, part, scratch_->hits, scratch_->parts);
  for (const Part& found : scratch_->parts) {
    const std::size_t size = found.end - found.begin;
    out.keep_until(section.begin + found.begin);
    const std::size_t before = out.out().size();
    out.out().append(size, '*');
    out.changed(part.substr(found.begin, size), size, *found.mask);
    out.wrote(section.begin + found.end, before);
  }
}

/// Whether anything of the section may have to be changed. Says what the result at hand is.
bool Masker::concerns(const Section& section, View wire, bool finds) {
  const auto* plan = plan_of(section.command);
  is_veiled_ = is_veiled_ || (plan != nullptr && plan->is_veiled);
  switch (section.kind) {
    case Section::Kind::description:
      turn_to(section);
      if (options_.has_column_masks || finds) {
        constexpr std::size_t kFrameHeader = 5;
        current_.columns = options_.format->columns(
            {.description =
                 Bytes(wire.substr(section.begin + kFrameHeader, section.end - section.begin - kFrameHeader))});
        current_.shown.reset();
      }
      return finds;
    case Section::Kind::rows:
      turn_to(section);
      return finds || !current_.shown || current_.masks_any;
    case Section::Kind::copy_rows:
      turn_to(section);
      // The first octets say where rows begin; of what has no plan nothing can be said.
      return finds || options_.has_column_masks || (!current_.copy && lineage_of(current_.place) != nullptr);
    case Section::Kind::value:
      turn_to(section);
      return finds || options_.has_column_masks;
    case Section::Kind::error:
    case Section::Kind::text:
      return finds || is_veiled_;
    case Section::Kind::notification:
      return finds || is_veiled_ || options_.has_column_masks;
    case Section::Kind::part:
      return finds;
  }
  return true;
}

Result<void> Masker::write(const Section& section, Writing& out, bool finds) {
  switch (section.kind) {
    case Section::Kind::rows:
      return write_rows(section, out, finds);
    case Section::Kind::copy_rows:
      return write_copy(section, out, finds);
    case Section::Kind::value:
      return write_value(section, out, finds);
    case Section::Kind::description:
    case Section::Kind::error:
    case Section::Kind::text:
    case Section::Kind::notification:
      return write_text(section, out);
    case Section::Kind::part:
      write_part(section, out);
      return {};
  }
  return unreadable();
}

/// What else a Reply says, and what is over with it.
void Masker::settle(model::Reply& reply) {
  if (reply.error && !reply.error->is_ours) {
    const MaskRule* by = nullptr;
    if (is_veiled_ && reply.wire.find(reply.error->message) == Bytes::npos) {
      reply.error->message = kVeil;
    } else if (auto masked = mask_text(reply.error->message, by)) {
      reply.error->message = std::move(*masked);
    }
  }
  for (const auto& completion : reply.completions) {
    while (!expected_.empty() && expected_.front().command <= completion.command) expected_.pop_front();
  }
  if (reply.transaction == 'I') is_veiled_ = false;
}

Result<Masked> Masker::mask(model::Reply&& reply) {
  Masked masked(std::move(reply));
  if (options_.format == nullptr || (!options_.has_column_masks && options_.finders == nullptr)) return masked;
  const View wire = masked.reply_.wire;
  const bool finds = options_.finders != nullptr && may_find(*options_.finders, wire);
  std::optional<Writing> writing;
  for (const Section& section : masked.reply_.sections) {
    const bool is_followed = section.kind == Section::Kind::description || section.kind == Section::Kind::copy_rows;
    const bool is_shown = !options_.has_column_masks && !finds && !is_followed;
    if (is_shown || !concerns(section, wire, finds)) continue;
    if (!writing) writing.emplace(masked);
    if (auto done = write(section, *writing, finds); !done) return std::unexpected(done.error());
  }
  if (writing) writing->finish();
  if (finds || options_.has_column_masks) settle(masked.reply_);
  return masked;
}

}  // namespace sallyport::mask
