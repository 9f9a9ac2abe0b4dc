#pragma once
// What the queue's resources share: the messages that a request means, found by their cards, loop by loop, in slices. Inside adminapi only.

#include <functional>
#include <string>
#include <vector>

#include "frontend/adminapi/resource.h"
#include "state/queue/filter.h"

namespace godwit::adminapi {

// From the words of a query or a body: id, to, from, tenant, domain, sender, class, older ("2d"), held ("yes" | "no"), priority
// ("urgent" | "normal" | "non-urgent"). Errors say what is wrong with which.
Result<queue::Filter> read_filter(const std::function<std::string(std::string_view)>& word, WallTime now);
Result<queue::Filter> filter_of_query(const Call& call, WallTime now);
Result<queue::Filter> filter_of_body(const Call& call, WallTime now);
boost::json::object describe_filter(const queue::Filter& filter);

// Offline nobody has read the rows: they are read here. A server reads them after its start, and may not have ended: false.
Task<bool> catalogue_is_complete(Context& context);

// Each card of every loop, on its loop, in slices that keep no loop for long. `visit` and `end` (after the last card of a loop; may be
// empty) run on other threads than the caller's, but never two at a time.
using Visit = std::function<void(const queue::Catalogue&, const queue::Card&)>;
using End = std::function<void(const queue::Catalogue&)>;
Task<> visit_cards(Context& context, Visit visit, End end = {});

struct Meant {
  MessageId id;
  bool sure = true;  // else the message has to be asked
};
// In order of id.
Task<std::vector<Meant>> find_cards(Context& context, queue::Filter filter);

boost::json::object describe_message(const queue::Message& message, WallTime now, std::optional<WallTime> since);
Task<std::vector<std::optional<WallTime>>> attempting_since(Context& context, std::vector<MessageId> ids);

Answer queue_summary(Context& context, Call call);
Answer queue_act(Context& context, Call call);
Answer queue_readdress(Context& context, Call call);
Answer queue_rules(Context& context, Call call);

}  // namespace godwit::adminapi
