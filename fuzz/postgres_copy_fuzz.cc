#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "proto/postgres/copy_rows.h"

/// COPY data in every format. The input is five octets of options, a null string behind its length, and messages, each
/// behind one octet that says how long it is. What is written anew must be read as the same cells; what is left must
/// keep its octets.
using namespace sallyport;
using proto::postgres::CopyRows;
using proto::postgres::CopyVisitor;

namespace {

/// Gives back the cells from memory of its own, so that each is written anew.
class Again : public CopyVisitor {
 public:
  Row header(std::span<model::Cell> names) override { return row(names); }
  Row row(std::span<model::Cell> cells) override {
    kept_.clear();
    auto& row = seen.emplace_back();
    for (auto& cell : cells) {
      row.push_back(cell.is_null ? "NULL" : "=" + base::Bytes(cell.octets));
      if (!cell.is_null) cell.octets = kept_.emplace_back(cell.octets);
    }
    return Row::changed;
  }
  std::vector<std::vector<base::Bytes>> seen;

 private:
  std::deque<base::Bytes> kept_;
};

class Leave : public CopyVisitor {
 public:
  Row row(std::span<model::Cell> cells) override {
    for (auto& cell : cells) cell = {"what is changed without saying so does not count", false};
    return Row::as_it_came;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::View rest(reinterpret_cast<const char*>(data), size);
  if (rest.size() < 6) return 0;
  model::CopyFormat format;
  format.kind = static_cast<model::CopyFormat::Kind>(rest[0] & 3 ? (rest[0] & 1) : 2);
  format.delimiter = rest[1];
  format.quote = rest[2];
  format.escape = rest[3];
  format.has_header = (rest[4] & 1) != 0;
  const std::size_t length = rest[5] & 7;
  rest.remove_prefix(6);
  format.null = rest.substr(0, length);
  rest.remove_prefix(std::min(length, rest.size()));

  CopyRows left(format), anew(format), back(format), skipped(format);
  Leave leave;
  Again first, second;
  while (!rest.empty()) {
    const base::View piece = rest.substr(1, static_cast<unsigned char>(rest[0]));
    rest.remove_prefix(1 + piece.size());
    const std::vector<char> block(piece.begin(), piece.end());
    const base::View body(block.data(), block.size());
    base::Bytes same, made, again;
    const bool is_good = left.rewrite(body, leave, same).has_value();
    if (is_good != anew.rewrite(body, first, made).has_value()) std::abort();
    if (is_good != skipped.skip(body).has_value()) std::abort();
    if (!is_good) {
      if (!same.empty() || !made.empty()) std::abort();
      break;
    }
    if (same != body) std::abort();
    if (!back.rewrite(made, second, again) || again != made || first.seen != second.seen) std::abort();
    if (left.is_ended() != back.is_ended() || left.is_at_start() != back.is_at_start()) std::abort();
  }
  return 0;
}
