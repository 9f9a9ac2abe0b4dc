#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

Answer list_aliases(Context& context, Call call) {
  std::optional<smtp::Domain> only;
  if (const std::string text = call.query("domain"); !text.empty()) {
    auto domain = smtp::parse_domain(text);
    if (!domain) co_return answer_error(domain.error());
    only = std::move(*domain);
  }
  const auto all = co_await context.directory.list_aliases(only);
  if (!all) co_return answer_error(all.error());
  boost::json::array list;
  for (const auto& alias : *all) {
    boost::json::array targets;
    for (const auto& target : alias.targets) targets.push_back(boost::json::value(target.text()));
    list.push_back({{"address", alias.address.text()}, {"targets", std::move(targets)}});
  }
  co_return answer_json({{"aliases", std::move(list)}});
}

Result<std::vector<smtp::Address>> parse_targets(const Call& call) {
  std::vector<smtp::Address> targets;
  for (const std::string& text : call.texts("targets")) {
    auto target = smtp::parse_address(text);
    if (!target) return fail(Error::syntax(fmt::format("target \"{}\": {}", text, target.error().text), 0));
    targets.push_back(std::move(*target));
  }
  return targets;
}

Answer add_alias(Context& context, smtp::Address address, std::vector<smtp::Address> targets) {
  if (targets.empty()) co_return answer_error(400, "an alias needs at least one target");
  const auto circle = co_await context.directory.find_circle(address, targets);
  if (!circle) co_return answer_error(circle.error());
  if (!circle->empty()) {
    std::string way;
    for (const auto& step : *circle) way += (way.empty() ? "" : " -> ") + step.text();
    co_return answer_error(409, fmt::format("{} would lead in a circle: {}", address.text(), way));
  }
  const auto added = co_await context.directory.add_alias(std::move(address), std::move(targets));
  co_return added ? answer_done() : answer_error(added.error());
}

}  // namespace

Answer aliases(Context& context, Call call) {
  if (call.method == "GET" && call.path.empty()) co_return co_await list_aliases(context, std::move(call));
  const bool add = call.method == "POST" && call.path.empty();
  const bool remove = call.method == "DELETE" && call.path.size() == 1;
  if (!add && !remove) co_return answer_not_found(call);
  auto address = smtp::parse_address(add ? call.text("address") : call.path[0]);
  if (!address) co_return answer_error(address.error());
  auto targets = parse_targets(call);
  if (!targets) co_return answer_error(targets.error());
  if (add) co_return co_await add_alias(context, std::move(*address), std::move(*targets));
  const auto removed = co_await context.directory.remove_alias(std::move(*address), std::move(*targets));
  co_return removed ? answer_done() : answer_error(removed.error());
}

}  // namespace godwit::adminapi
