#include "state/events/event.h"

namespace godwit::events {

std::string_view to_string(Type type) {
  switch (type) {
    case Type::accepted: return "accepted";
    case Type::delivered: return "delivered";
    case Type::deferred: return "deferred";
    case Type::bounced: return "bounced";
    case Type::expired: return "expired";
    case Type::held: return "held";
    case Type::released: return "released";
    case Type::dropped: return "dropped";
    case Type::alert: return "alert";
  }
  return "unknown";
}

std::optional<Type> parse_type(std::string_view name) {
  for (const Type type : kTypes)
    if (to_string(type) == name) return type;
  return std::nullopt;
}

}  // namespace godwit::events
