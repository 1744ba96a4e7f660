#pragma once
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

/// The parser's tree of one SQL text, from libpg_query through its protobuf form. Pure; throws nothing.
/// Views and pointers into a Tree are valid as long as it lives.
namespace sallyport::sql {

using Message = ProtobufCMessage;

class Tree {
 public:
  /// REQUIRES: `text` has no NUL and nesting_bound(text) is within what the stack bears.
  static base::Result<Tree> parse(base::View text);

  struct Statement {
    const Message* message = nullptr;  // what the RawStmt holds
    base::View text{};                 // of this statement alone; a view of what was parsed
  };
  const std::vector<Statement>& statements() const { return statements_; }

 private:
  struct Free {
    void operator()(PgQuery__ParseResult* result) const { pg_query__parse_result__free_unpacked(result, nullptr); }
  };
  std::unique_ptr<PgQuery__ParseResult, Free> result_{};
  std::vector<Statement> statements_{};
};

/// `message`, or what it holds when it is the wrapper Node; nullptr for none.
const Message* unwrap(const Message* message);
const Message* unwrap(const PgQuery__Node* node);

/// `message` as the type T when it is one, else nullptr.
template <class T>
const T* as(const Message* message, const ProtobufCMessageDescriptor& descriptor) {
  return message != nullptr && message->descriptor == &descriptor ? reinterpret_cast<const T*>(message) : nullptr;
}

/// Calls `act(field name, child)` for every message below `message`, unwrapped, in the order of the fields.
template <class Act>
void for_each_child(const Message& message, Act act) {
  const ProtobufCMessageDescriptor& descriptor = *message.descriptor;
  const char* const base = reinterpret_cast<const char*>(&message);
  for (unsigned i = 0; i < descriptor.n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = descriptor.fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto count = *reinterpret_cast<const std::size_t*>(base + field.quantifier_offset);
      const auto* items = *reinterpret_cast<const Message* const* const*>(base + field.offset);
      for (std::size_t at = 0; at < count; ++at) {
        if (const Message* child = unwrap(items[at])) act(base::View(field.name), *child);
      }
      continue;
    }
    if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *reinterpret_cast<const std::uint32_t*>(base + field.quantifier_offset) != field.id) {
      continue;
    }
    if (const Message* child = unwrap(*reinterpret_cast<const Message* const*>(base + field.offset))) {
      act(base::View(field.name), *child);
    }
  }
}

/// The strings of a list of String nodes, such as a name in parts. What is not a String gives "".
std::vector<base::View> strings(PgQuery__Node* const* items, std::size_t count);

/// The text of a constant: A_Const of a string or number, perhaps inside a cast; nullopt: not a constant.
std::optional<std::string> constant(const Message* message);

}  // namespace sallyport::sql
