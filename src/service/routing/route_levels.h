#pragma once
// What a route as it is written means for certificates and passwords: for checks of the configuration. Pure; any thread.
// A route that RouteTable::add() refuses means nothing.

#include <string>
#include <vector>

#include "service/routing/conditions.h"
#include "service/routing/site.h"

namespace godwit::routing {

// Some way of the route needs Tls::verify.
bool looks_at_certificates(const Route& route);

// Hops over a network where whoever answers, with any certificate, may get the route's password.
std::vector<std::string> hops_that_learn_the_password(const Route& route);

}  // namespace godwit::routing
