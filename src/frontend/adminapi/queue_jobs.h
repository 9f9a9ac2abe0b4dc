#pragma once
// Actions on many messages: carried out in the background, message by message, while a rule (queue::Rule::Kind::action) keeps those whose
// turn has not come from being tried. The rule is durable: after a restart the action goes on. Any thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "state/queue/rules.h"

namespace godwit::adminapi {

struct Context;

struct Progress {
  std::uint64_t of = 0;  // messages that may be meant
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  bool over = false;
};

class Jobs {
 public:
  Progress progress(std::uint64_t number) const;
  void set(std::uint64_t number, Progress progress);

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Progress> all_;  // and the last few that are over
};

std::string_view to_text(queue::Rule::Action action);

// What an action does to one message; false: it has gone. One of many: it takes its turn by its row.
Task<Result<bool>> act_on(Context& context, MessageId id, queue::Rule rule, bool many);

// Carries the rule's action out and removes the rule. Ends early, with the rule in place, when the server stops.
Task<> carry_out(Context& context, queue::Rule rule);
}  // namespace godwit::adminapi
