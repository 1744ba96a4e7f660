#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/cell.h"
#include "model/lineage.h"

/// The rows inside the CopyData messages of COPY … TO STDOUT (manual: COPY, "File Formats"; 55.2.6), to be looked at
/// and changed. Pure.
namespace sallyport::proto::postgres {

/// Sees each row with its cells decoded. Text and csv hold values in text form, binary in binary form.
class CopyVisitor {
 public:
  enum class Row : std::uint8_t { as_it_came, changed };
  virtual ~CopyVisitor() = default;
  /// The names of the columns, where the format has them.
  virtual Row header(std::span<model::Cell>) { return Row::as_it_came; }
  /// Changes the cells that it wants changed and says so; their octets are copied before the next call. A cell that it
  /// leaves is passed as it was written, and so is the whole row that is as_it_came. How many there are is the target's
  /// word: whoever expects another number masks them all. (In text and csv a row without columns has one, which is
  /// empty or NULL.)
  virtual Row row(std::span<model::Cell> cells) = 0;
};

/// One COPY, from its first message to its last. The manual promises (55.2.6) that a message of the server is one row;
/// any number of whole rows is read, none that is cut.
///
///   START -signature, or the line of HEADER-> ROWS -trailer, or \.-> ENDED   [read; without a header START is ROWS]
///
/// In text form a value may be written as the null string is: COPY … (NULL 'a@b.c') shows NULL and that value alike.
/// Where this is possible the cell is that value and not NULL, or else whoever names a null string would learn which
/// values are equal to it.
class CopyRows {
 public:
  explicit CopyRows(model::CopyFormat format);

  /// `body`: of one CopyData message. Appends it to `out` as the visitor wants it. Error: `out` is as it was, and no
  /// message may follow. malformed: not whole rows of this format, or rows of different lengths; unsupported: a format
  /// that is not read.
  base::Result<void> rewrite(base::View body, CopyVisitor& visitor, base::Bytes& out);
  /// The same for a message that nobody looks at.
  base::Result<void> skip(base::View body);

  /// Nothing came yet. A binary COPY whose data ends here is cut.
  bool is_at_start() const { return is_at_start_; }
  /// The trailer of binary form came, or the line \. of text.
  bool is_ended() const { return is_ended_; }

 private:
  /// A cell as it is written: in csv with its quotes, in binary form without its length.
  struct Field {
    base::View written{};
    bool is_quoted = false, has_escape = false, is_null = false;
  };
  enum class Line : std::uint8_t { header, row };

  bool is_readable() const;
  base::Result<void> read(base::View body, CopyVisitor* visitor, base::Bytes* out);
  bool read_lines(base::View body, CopyVisitor* visitor, base::Bytes* out);
  bool read_binary(base::View body, CopyVisitor* visitor, base::Bytes* out);
  bool take_signature(base::View& body, base::Bytes* out);
  /// Octets of the field at the front of `rest`; nullopt: malformed.
  std::optional<std::size_t> text_field(base::View rest, Field& field) const;
  std::optional<std::size_t> csv_field(base::View rest, Field& field) const;

  bool finish_row(base::View written, Line line, CopyVisitor* visitor, base::Bytes* out);
  model::Cell decode(const Field& field);
  void append_row(base::Bytes& out) const;
  void append_cell(const Field& field, const model::Cell& cell, base::Bytes& out) const;
  void append_text(base::View value, base::Bytes& out) const;
  void append_csv(base::View value, bool is_quoted, base::Bytes& out) const;

  model::CopyFormat format_;
  std::array<bool, 256> stops_{};  // octets that mean something to text_field
  bool is_readable_ = false;
  bool is_null_certain_ = true;  // no value is written as the null string is
  bool is_at_start_ = true, is_ended_ = false;
  std::optional<std::size_t> columns_{};  // of the rows before

  // Of the row that is read: kept for their memory.
  std::vector<Field> fields_{};
  std::vector<model::Cell> came_{}, shown_{};
  base::Bytes decoded_{};  // what cells point at that are not written as they are
};

}  // namespace sallyport::proto::postgres
