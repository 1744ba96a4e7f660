#include "model/command.h"

namespace sallyport::model {

std::string_view name_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::run:
      return "run";
    case CommandKind::prepare:
      return "prepare";
    case CommandKind::bind:
      return "bind";
    case CommandKind::describe:
      return "describe";
    case CommandKind::execute:
      return "execute";
    case CommandKind::close:
      return "close";
    case CommandKind::call:
      return "call";
  }
  return "?";
}

}  // namespace sallyport::model
