#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/cell.h"
#include "model/lineage.h"

/// A protocol's replies as values: what mask::Masker needs to know of a wire. A codec gives its protocol's; stateless
/// but for CopyRewriter. Pure. Views that come out point into what was handed in.
namespace sallyport::model {

/// A row of a result as its protocol frames it.
struct Row {
  std::size_t begin = 0, end = 0;  // octets of the frame, in what was read
  std::size_t first_cell = 0;      // of Rows::cells; up to the next row's first
};
struct Rows {
  std::vector<Cell> cells{};
  std::vector<Row> rows{};
};

/// The rows of one COPY … TO STDOUT, in order.
class CopyRewriter {
 public:
  class Visitor {
   public:
    virtual ~Visitor() = default;
    /// Changes the cells that it wants changed; false: none. What they point at is valid until the next call.
    virtual bool row(std::span<Cell> cells) = 0;
  };
  virtual ~CopyRewriter() = default;
  /// One frame of COPY data. Error: it is not whole rows of the format.
  virtual base::Result<void> rewrite(base::View frame, Visitor& visitor, base::Bytes& out) = 0;
};

class ResultFormat {
 public:
  virtual ~ResultFormat() = default;

  /// nullopt: malformed.
  virtual std::optional<std::vector<Column>> columns(const ResultShape& shape) const = 0;
  /// Frames of rows. False: malformed.
  virtual bool rows(base::View frames, Rows& out) const = 0;
  virtual void append_row(std::span<const Cell> cells, base::Bytes& out) const = 0;
  virtual std::unique_ptr<CopyRewriter> copy(const CopyFormat& format) const = 0;
  /// The one value of a function's result.
  virtual std::optional<Cell> value(base::View frame) const = 0;
  virtual void append_value(const Cell& value, base::Bytes& out) const = 0;

  class Texts {
   public:
    virtual ~Texts() = default;
    /// What the client sees in the place of a text; nullopt: the text.
    virtual std::optional<std::string> text(base::View text) = 0;
  };
  /// A frame that holds texts: an error, a notice, a notification, a setting, names of columns. Appends it as `texts`
  /// wants it. False: malformed.
  virtual bool rewrite_texts(base::View frame, Texts& texts, base::Bytes& out) const = 0;
  /// Of an error or notice nothing stays but its severity and code, unless it is about the client's text alone; of a
  /// notification, or a setting that can hold any text, its name. `instead` is what they say. False: malformed.
  virtual bool veil(base::View frame, base::View instead, base::Bytes& out) const = 0;
  /// The length of the frame at the front of `frames`; 0: malformed.
  virtual std::size_t frame_size(base::View frames) const = 0;
};

}  // namespace sallyport::model
