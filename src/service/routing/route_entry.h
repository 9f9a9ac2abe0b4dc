#pragma once
// A parsed route. Private to the module.

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "service/routing/router.h"

namespace godwit::routing {

struct ByDirectory {};  // "local"
struct ByMx {
  std::optional<Tls> tls;
  std::string tls_name;
  std::string pool;
};
struct Hold {};
struct Discard {};
struct Reject {};
using To = std::variant<ByDirectory, ByMx, Hold, Discard, Reject, std::shared_ptr<const Site>>;

struct RouteTable::Entry {
  std::optional<Conditions> conditions;  // nothing: a route that was refused
  To to;

  bool matches(const smtp::Address& recipient, const Envelope& envelope) const {
    return conditions && conditions->match(recipient, envelope) && conditions->match_header(envelope);
  }
};

// `to` and what belongs to it.
std::expected<To, RouteError> parse_to(const Route& route);

}  // namespace godwit::routing
