// Rules: read at the start, changed one at a time, handed out whole.

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "state/queue/queue_impl.h"
#include "state/queue/rule_record.h"

namespace godwit::queue {

using store::Batch;
using store::Keyspace;

std::shared_ptr<const Rules> Queue::rules() const {
  const std::lock_guard lock(impl_->rules_mutex);
  return impl_->rules;
}

std::uint64_t Queue::rules_version() const { return impl_->rules_version.load(std::memory_order_acquire); }

void Queue::Impl::set_rules(std::vector<Rule> all) {
  rules = std::make_shared<const Rules>(std::move(all));
  rules_version.fetch_add(1, std::memory_order_release);
}

Task<Result<void>> Queue::Impl::read_rules() {
  std::vector<Rule> all;
  const std::string prefix(kRulePrefix);
  std::string from = prefix;
  while (true) {
    auto view = engine.read(store::kServerPartition);
    GODWIT_CO_ASSIGN(const store::Page page, co_await view->scan(Keyspace::server, from, prefix_end(prefix)));
    for (const store::Row& row : page.rows) {
      const auto number = parse_rule_key(row.key);
      if (!number) continue;
      next_rule = std::max(next_rule, *number + 1);
      auto rule = decode_rule(*number, row.value);
      // Mail that was to be kept back must not leave because of a damaged row.
      if (!rule) co_return std::unexpected(std::move(rule).error());
      all.push_back(*std::move(rule));
    }
    if (!page.next) break;
    from = *page.next;
  }
  const std::lock_guard lock(rules_mutex);
  set_rules(std::move(all));
  co_return Result<void>();
}

Task<Result<Rule>> Queue::add_rule(Rule rule) {
  {
    const std::lock_guard lock(impl_->rules_mutex);
    if (impl_->rules->all().size() >= Rules::kMost)
      co_return fail(
          Error::permanent(Error::Cause::conflict, "there are 1000 rules already; remove some: godwit queue rules, queue resume"));
    rule.number = impl_->next_rule++;
  }
  rule.made = impl_->clock.now();
  Batch row;
  row.put(Keyspace::server, rule_key(rule.number), encode_rule(rule));
  const store::WriteDone done = co_await impl_->engine.write(store::kServerPartition, std::move(row));
  GODWIT_CO_TRY(store::as_result(done, "keeping a rule"));
  const std::lock_guard lock(impl_->rules_mutex);
  std::vector<Rule> all = impl_->rules->all();
  all.push_back(rule);
  impl_->set_rules(std::move(all));
  co_return rule;
}

Task<Result<bool>> Queue::remove_rule(std::uint64_t number) {
  if (rules()->find(number) == nullptr) co_return false;
  Batch row;
  row.erase(Keyspace::server, rule_key(number));
  const store::WriteDone done = co_await impl_->engine.write(store::kServerPartition, std::move(row));
  GODWIT_CO_TRY(store::as_result(done, "removing a rule"));
  const std::lock_guard lock(impl_->rules_mutex);
  std::vector<Rule> all = impl_->rules->all();
  const bool was_there = std::erase_if(all, [&](const Rule& each) { return each.number == number; }) > 0;
  impl_->set_rules(std::move(all));
  co_return was_there;
}

}  // namespace godwit::queue
