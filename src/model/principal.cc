#include "model/principal.h"

namespace sallyport::model {

std::string_view name_of(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::human:
      return "human";
    case PrincipalKind::agent:
      return "agent";
    case PrincipalKind::service:
      return "service";
    case PrincipalKind::internal:
      return "internal";
  }
  return "?";
}

}  // namespace sallyport::model
