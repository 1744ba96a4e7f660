#include "cmd/verify/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::verify {
namespace {

constexpr std::size_t kMaxFaultsKept = 1000;
constexpr Verdict kGravestFirst[] = {Verdict::tampered, Verdict::rollback, Verdict::missing, Verdict::time};

std::string quoted(base::View text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    // Names come from hostile archives: nothing but printable ASCII goes to a terminal or a JSON reader.
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (octet >= 0x20 && octet < 0x7F) {
      out += c;
    } else {
      out += fmt::format("\\u{:04x}", octet);
    }
  }
  return out + "\"";
}

std::string printable(base::View text) {
  const std::string out = quoted(text);
  return out.substr(1, out.size() - 2);
}

std::string line_of(const Fault& fault) {
  std::string line = fmt::format("{} at octet {}", printable(fault.place.file), fault.place.offset);
  if (fault.place.index) line += fmt::format(", log index {}", *fault.place.index);
  if (!fault.place.session.empty()) line += ", session " + printable(fault.place.session);
  if (fault.place.seq) line += fmt::format(", seq {}", *fault.place.seq);
  return line + ": " + printable(fault.what);
}

std::string json_of(const Fault& fault) {
  std::string out = fmt::format(R"({{"kind":{},"file":{},"offset":{})", quoted(name_of(fault.kind)),
                                quoted(fault.place.file), fault.place.offset);
  if (fault.place.index) out += fmt::format(R"(,"index":{})", *fault.place.index);
  if (!fault.place.session.empty()) out += fmt::format(R"(,"session":{})", quoted(fault.place.session));
  if (fault.place.seq) out += fmt::format(R"(,"seq":{})", *fault.place.seq);
  return out + fmt::format(R"(,"what":{}}})", quoted(fault.what));
}

}  // namespace

std::string name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::verified:
      return "VERIFIED";
    case Verdict::usage:
      return "USAGE";
    case Verdict::tampered:
      return "TAMPERED";
    case Verdict::missing:
      return "MISSING";
    case Verdict::unanchored:
      return "CONSISTENT BUT UNANCHORED";
    case Verdict::rollback:
      return "ROLLBACK OR FORK";
    case Verdict::time:
      return "TIME";
  }
  return {};
}

void Report::add(Verdict kind, Place place, std::string what) {
  ++count_;
  const bool is_first_of_kind = by_kind_[static_cast<std::size_t>(kind)]++ == 0;
  if (is_first_of_kind || (firsts_.size() < kMaxFaultsKept && !has_fault_in(place.file))) {
    firsts_.push_back({kind, std::move(place), std::move(what)});
  }
}

bool Report::has_fault_in(const std::string& file) const {
  return std::ranges::any_of(firsts_, [&](const Fault& fault) { return fault.place.file == file; });
}

const Fault* Report::first() const {
  for (const Verdict kind : kGravestFirst) {
    for (const Fault& fault : firsts_) {
      if (fault.kind == kind) return &fault;
    }
  }
  return nullptr;
}

Verdict Report::verdict() const {
  if (const Fault* const fault = first()) return fault->kind;
  return counts.known_heads > 0 ? Verdict::verified : Verdict::unanchored;
}

std::string Report::text() const {
  std::string out = name_of(verdict()) + "\n";
  if (const Fault* const fault = first()) {
    out += "first fault      " + line_of(*fault) + "\n";
    out += fmt::format("further faults   {}", count_ - 1);
    for (const Verdict kind : kGravestFirst) {
      const auto count = by_kind_[static_cast<std::size_t>(kind)];
      if (count > 0) out += fmt::format("  ({} {})", name_of(kind), count);
    }
    out += "\n";
  }
  const Counts& c = counts;
  out += fmt::format("entries          {}: {} signed, {} of them below a known head, {} durable but not signed yet\n",
                     c.entries, c.signed_entries, c.anchored, c.unsigned_entries);
  out += fmt::format("sessions         {}, {} of them without an end\n", c.sessions, c.open_sessions);
  out += fmt::format("payloads         {} equal their commitments, {} not opened, {} committed to and not kept\n",
                     c.payloads, c.not_opened, c.not_kept);
  out += fmt::format("structure        {} tiles, {} segments, {} groups; {} octets not acknowledged\n", c.tiles,
                     c.segments, c.groups, c.not_acknowledged);
  out += fmt::format("known heads      {} agree, {} not comparable\n", c.known_heads, c.heads_not_comparable);
  if (c.not_opened > 0) out += "note             payloads were NOT OPENED: their contents are not verified\n";
  for (const std::string& sentence : notes_) out += "note             " + printable(sentence) + "\n";
  if (verdict() == Verdict::unanchored) {
    out +=
        "note             no head from outside: who holds the gateway's signing key could have written all this anew\n";
  }
  return out;
}

std::string Report::json() const {
  const Counts& c = counts;
  std::string out = fmt::format(R"({{"verdict":{},"faults":{{)", quoted(name_of(verdict())));
  bool is_first = true;
  for (const Verdict kind : kGravestFirst) {
    out +=
        fmt::format(R"({}{}:{})", is_first ? "" : ",", quoted(name_of(kind)), by_kind_[static_cast<std::size_t>(kind)]);
    is_first = false;
  }
  const Fault* const fault = first();
  out += fmt::format(R"(}},"first_fault":{},)", fault == nullptr ? "null" : json_of(*fault));
  out += fmt::format(R"("entries":{},"signed":{},"anchored":{},"unsigned":{},"not_acknowledged_octets":{},)", c.entries,
                     c.signed_entries, c.anchored, c.unsigned_entries, c.not_acknowledged);
  out += fmt::format(R"("sessions":{},"open_sessions":{},"payloads":{},"payloads_not_opened":{},"not_kept":{},)",
                     c.sessions, c.open_sessions, c.payloads, c.not_opened, c.not_kept);
  out += fmt::format(R"("tiles":{},"segments":{},"groups":{},"known_heads":{},"heads_not_comparable":{},"notes":[)",
                     c.tiles, c.segments, c.groups, c.known_heads, c.heads_not_comparable);
  for (std::size_t i = 0; i < notes_.size(); ++i) out += (i > 0 ? "," : "") + quoted(notes_[i]);
  return out + "]}\n";
}

}  // namespace sallyport::verify
