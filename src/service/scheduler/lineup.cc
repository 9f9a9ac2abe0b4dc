#include "service/scheduler/lineup.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/result.h"

namespace godwit::scheduler {
namespace {

constexpr std::array<double, 3> kWeights{64, 8, 1};  // urgent, normal, non-urgent

std::uint64_t key_of(Place place, std::uint32_t flow) { return std::uint64_t{place} << 32 | flow; }

}  // namespace

void LineUp::set_shares(std::map<std::string, unsigned, std::less<>> shares) {
  shares_ = std::move(shares);
  for (const auto& [tenant, first] : tenants_)
    for (Id flow = first; flow < first + kWeights.size(); ++flow) flows_[flow].weight = weight(tenant, flows_[flow].urgency);
}

double LineUp::weight(std::string_view tenant, queue::Urgency urgency) const {
  const auto found = shares_.find(tenant);
  return kWeights[static_cast<std::size_t>(urgency)] * (found == shares_.end() ? 1 : std::max(found->second, 1u));
}

LineUp::Id LineUp::flow_of(const Party& party) {
  auto found = tenants_.find(party.tenant);
  if (found == tenants_.end()) {
    found = tenants_.emplace(party.tenant, static_cast<Id>(flows_.size())).first;
    for (const auto urgency : {queue::Urgency::urgent, queue::Urgency::normal, queue::Urgency::non_urgent}) {
      flows_.emplace_back();
      flows_.back().urgency = urgency;
      flows_.back().weight = weight(party.tenant, urgency);
    }
  }
  return found->second + static_cast<Id>(party.urgency);
}

LineUp::Lines& LineUp::lines(Place place) {
  if (place >= lines_.size()) lines_.resize(place + 1);
  return lines_[place];
}

LineUp::Id LineUp::line_of(Place place, Id flow) {
  const auto [found, is_new] = lines_by_key_.try_emplace(key_of(place, flow), kNone);
  if (!is_new) return found->second;
  Id line = static_cast<Id>(all_lines_.size());
  if (free_lines_.empty()) {
    all_lines_.emplace_back();
  } else {
    line = free_lines_.back();
    free_lines_.pop_back();
  }
  all_lines_[line] = {};
  all_lines_[line].place = place;
  all_lines_[line].flow = flow;
  lines(place).all.push_back(line);
  found->second = line;
  return line;
}

LineUp::Id LineUp::sender_of(Id line, std::uint64_t name) {
  const auto [found, is_new] = senders_by_key_.try_emplace(SenderKey{line, name}, kNone);
  if (!is_new) return found->second;
  Id sender = static_cast<Id>(senders_.size());
  if (free_senders_.empty()) {
    senders_.emplace_back();
  } else {
    sender = free_senders_.back();
    free_senders_.pop_back();
  }
  senders_[sender] = {};
  senders_[sender].name = name;
  senders_[sender].line = line;
  push_sender(all_lines_[line], sender);
  found->second = sender;
  return sender;
}

void LineUp::push_sender(Line& line, Id sender) {
  senders_[sender].prev = line.last;
  senders_[sender].next = kNone;
  (line.last == kNone ? line.first : senders_[line.last].next) = sender;
  line.last = sender;
}

void LineUp::unlink_sender(Id sender) {
  const Sender& who = senders_[sender];
  Line& line = all_lines_[who.line];
  (who.prev == kNone ? line.first : senders_[who.prev].next) = who.next;
  (who.next == kNone ? line.last : senders_[who.next].prev) = who.prev;
}

void LineUp::drop_sender(Id sender) {
  unlink_sender(sender);
  senders_by_key_.erase(SenderKey{senders_[sender].line, senders_[sender].name});
  free_senders_.push_back(sender);
}

void LineUp::wait(MessageId id, WallTime due, bool must) {
  remove(id);
  const Agenda::Index index = agenda_.add(id, due);
  agenda_[index].mark = must ? kMust : kNone;
}

void LineUp::line_up(MessageId id, Place place, const Party& party, WallTime moment) {
  remove(id);
  const Agenda::Index index = agenda_.add(id, moment);
  const Id line = line_of(place, flow_of(party));
  const Id sender = sender_of(line, std::hash<std::string_view>()(party.sender));
  agenda_.push_back(senders_[sender].messages, index);
  agenda_[index].mark = sender;
  ++lined_up_;
  ++lines(place).messages;
  if (all_lines_[line].messages++ > 0) return;
  if (all_lines_[line].closed) return;
  if (!all_lines_[line].hidden) hide(line);
  show_some(place);
}

bool LineUp::remove(MessageId id) {
  const Agenda::Index index = agenda_.find(id);
  if (index == Agenda::kNone) return false;
  if (agenda_[index].mark < kMust) take_out(index);
  agenda_.erase(index);
  return true;
}

// Out of its line.
void LineUp::take_out(Agenda::Index index) {
  const Id sender = agenda_[index].mark;
  const Id line = senders_[sender].line;
  agenda_.remove(senders_[sender].messages, index);
  if (senders_[sender].messages.size == 0) drop_sender(sender);
  --lined_up_;
  --lines_[all_lines_[line].place].messages;
  if (--all_lines_[line].messages > 0 || !all_lines_[line].shown) return;
  unshow(line);
  show_some(all_lines_[line].place);
}

Place LineUp::place_of(std::string_view domain) {
  if (destinations_.many()) forget_idle();
  return destinations_.of_domain(domain);
}

std::optional<LineUp::Pick> LineUp::pick(bool urgent_only) {
  if (destinations_.many()) forget_idle();
  while (true) {
    const Id flow = next_flow(urgent_only);
    if (flow == kNone) return std::nullopt;
    const Id line = flows_[flow].first;
    if (destinations_.may_take(all_lines_[line].place, is_urgent(all_lines_[line]))) return take(line);
    unshow(line);
    hide(line);
  }
}

// Urgent ones first where it is a draw.
LineUp::Id LineUp::next_flow(bool urgent_only) const {
  if (urgent_only || ready_[1].empty()) return ready_[0].empty() ? kNone : ready_[0].begin()->second;
  if (ready_[0].empty() || ready_[1].begin()->first < ready_[0].begin()->first) return ready_[1].begin()->second;
  return ready_[0].begin()->second;
}

LineUp::Pick LineUp::take(Id line) {
  Line& from = all_lines_[line];
  Flow& flow = flows_[from.flow];
  const Place place = from.place;
  unshow(line);
  Lines& at = lines(place);
  at.turn = std::max(at.turn, from.turn);
  from.turn += 1 / flow.weight;
  turn_ = std::max(turn_, flow.turn);
  if (flow.first != kNone) leave_flow(from.flow);
  flow.turn += 1 / flow.weight;
  if (flow.first != kNone) enter_flow(from.flow);

  const Id sender = from.first;
  const Agenda::Index index = senders_[sender].messages.first;
  const MessageId id = agenda_[index].id;
  take_out(index);
  agenda_.erase(index);
  if (from.first == sender && from.last != sender) {
    unlink_sender(sender);
    push_sender(from, sender);
  }
  destinations_.take(place);
  if (from.messages > 0) hide(line);
  show_some(place);
  return {id, place};
}

bool LineUp::may_go(Place place, const Party& party) {
  if (lined_up(place) > 0 || !destinations_.may_take(place, party.urgency == queue::Urgency::urgent)) return false;
  if (closed_.empty()) return true;
  const auto line = lines_by_key_.find(key_of(place, flow_of(party)));
  return line == lines_by_key_.end() || !all_lines_[line->second].closed;
}

std::optional<LineUp::Due> LineUp::take_due(WallTime now) {
  const Agenda::Index index = agenda_.earliest();
  if (index == Agenda::kNone || agenda_[index].when > now) return std::nullopt;
  const Due due{agenda_[index].id, agenda_[index].mark != kNone};
  if (agenda_[index].mark < kMust) take_out(index);
  agenda_.erase(index);
  return due;
}

std::optional<WallTime> LineUp::next_due() const {
  const Agenda::Index index = agenda_.earliest();
  if (index == Agenda::kNone) return std::nullopt;
  return agenda_[index].when;
}

void LineUp::back(Place place, SteadyTime now) {
  destinations_.back(place, now);
  show_some(place);
}

void LineUp::undo(Place place) {
  destinations_.undo(place);
  show_some(place);
}

void LineUp::alive(Place place) {
  destinations_.alive(place);
  show_some(place);
}

void LineUp::reopen(SteadyTime now) {
  while (const auto place = destinations_.reopen(now)) show_some(*place);
  while (!closed_.empty() && closed_.begin()->first <= now) open(closed_.begin()->second);
}

void LineUp::close(Place place, std::string_view tenant, SteadyTime until) {
  for (const auto urgency : {queue::Urgency::urgent, queue::Urgency::normal, queue::Urgency::non_urgent}) {
    const Id line = line_of(place, flow_of({tenant, {}, urgency}));
    Line& which = all_lines_[line];
    if (which.closed) continue;
    if (which.shown) unshow(line);
    which.closed = true;
    which.until = until;
    closed_.emplace(until, line);
  }
  show_some(place);
}

void LineUp::open(Id line) {
  Line& which = all_lines_[line];
  closed_.erase({which.until, line});
  which.closed = false;
  if (which.messages > 0 && !which.hidden) hide(line);
  show_some(which.place);
}

std::optional<SteadyTime> LineUp::next_reopening() const {
  auto first = destinations_.next_reopening();
  if (!closed_.empty() && (!first || closed_.begin()->first < *first)) first = closed_.begin()->first;
  return first;
}

void LineUp::free_line(Id line) {
  lines_by_key_.erase(key_of(all_lines_[line].place, all_lines_[line].flow));
  if (all_lines_[line].closed) closed_.erase({all_lines_[line].until, line});
  free_lines_.push_back(line);
}

void LineUp::learn(std::string_view domain, std::string_view site) {
  const auto alone = destinations_.learn(domain, site);
  if (alone) join(*alone, destinations_.of_site(site));
}

// Lines that are shown and those that are hidden.

void LineUp::enter_flow(Id flow) { ready_[flows_[flow].urgency == queue::Urgency::urgent ? 0 : 1].emplace(flows_[flow].turn, flow); }
void LineUp::leave_flow(Id flow) { ready_[flows_[flow].urgency == queue::Urgency::urgent ? 0 : 1].erase({flows_[flow].turn, flow}); }

void LineUp::show(Id line) {
  Line& which = all_lines_[line];
  Flow& flow = flows_[which.flow];
  which.shown = true;
  ++lines(which.place).shown;
  which.prev = flow.last;
  which.next = kNone;
  const bool first = flow.last == kNone;
  (first ? flow.first : all_lines_[flow.last].next) = line;
  flow.last = line;
  if (!first) return;
  flow.turn = std::max(flow.turn, turn_);  // who had nothing to send saves up nothing
  enter_flow(which.flow);
}

void LineUp::unshow(Id line) {
  Line& which = all_lines_[line];
  Flow& flow = flows_[which.flow];
  which.shown = false;
  --lines(which.place).shown;
  (which.prev == kNone ? flow.first : all_lines_[which.prev].next) = which.next;
  (which.next == kNone ? flow.last : all_lines_[which.next].prev) = which.prev;
  if (flow.first == kNone) leave_flow(which.flow);
}

void LineUp::hide(Id line) {
  Line& which = all_lines_[line];
  Lines& at = lines(which.place);
  which.turn = std::max(which.turn, at.turn);
  which.hidden = true;
  std::vector<Id>& heap = at.hidden[is_urgent(which) ? 0 : 1];
  heap.push_back(line);
  std::ranges::push_heap(heap, std::greater<>(), [this](Id each) { return all_lines_[each].turn; });
}

void LineUp::pop_hidden(Lines& at, Id line) {
  std::vector<Id>& heap = at.hidden[is_urgent(all_lines_[line]) ? 0 : 1];
  std::ranges::pop_heap(heap, std::greater<>(), [this](Id each) { return all_lines_[each].turn; });
  heap.pop_back();
  all_lines_[line].hidden = false;
}

LineUp::Id LineUp::best_hidden(Lines& at, bool urgent_only) {
  for (auto& heap : at.hidden)
    while (!heap.empty() && (all_lines_[heap.front()].messages == 0 || all_lines_[heap.front()].closed)) pop_hidden(at, heap.front());
  const auto& urgent = at.hidden[0];
  const auto& others = at.hidden[1];
  if (urgent_only || others.empty()) return urgent.empty() ? kNone : urgent.front();
  if (urgent.empty() || all_lines_[others.front()].turn < all_lines_[urgent.front()].turn) return others.front();
  return urgent.front();
}

// As many lines as it may take messages.
void LineUp::show_some(Place place) {
  if (place >= lines_.size() || lines_[place].messages == 0) return;
  Lines& at = lines_[place];
  while (true) {
    const bool room = destinations_.has_room(place, at.shown, false);
    if (!room && !destinations_.has_room(place, at.shown, true)) return;
    const Id line = best_hidden(at, !room);
    if (line == kNone) return;
    pop_hidden(at, line);
    show(line);
  }
}

// Two destinations turn out to be one.

void LineUp::join(Place from, Place to) {
  if (from >= lines_.size()) return;
  Lines old = std::move(lines_[from]);
  lines_[from] = {};
  lines_[from].shown = old.shown;
  for (const Id line : old.all) {
    if (all_lines_[line].shown) unshow(line);
    const Id into = line_of(to, all_lines_[line].flow);
    const bool had_none = all_lines_[into].messages == 0;
    lines(to).messages += all_lines_[line].messages;
    all_lines_[into].messages += all_lines_[line].messages;
    while (all_lines_[line].first != kNone) join_sender(all_lines_[line].first, into);
    if (had_none && all_lines_[into].messages > 0 && !all_lines_[into].hidden && !all_lines_[into].closed) hide(into);
    free_line(line);
  }
  lines_[from] = {};
  show_some(to);
}

// The shorter list takes the name of the longer one.
void LineUp::join_sender(Id from, Id into_line) {
  const std::uint64_t name = senders_[from].name;
  unlink_sender(from);
  senders_by_key_.erase(SenderKey{senders_[from].line, name});
  senders_[from].line = into_line;
  const auto [found, is_new] = senders_by_key_.try_emplace(SenderKey{into_line, name}, from);
  Id stays = from;
  if (!is_new) {
    Id goes = found->second;
    unlink_sender(goes);
    if (senders_[goes].messages.size > senders_[stays].messages.size) std::swap(goes, stays);
    for (Agenda::Index each = senders_[goes].messages.first; each != Agenda::kNone; each = agenda_[each].next) agenda_[each].mark = stays;
    agenda_.append(senders_[stays].messages, senders_[goes].messages);
    free_senders_.push_back(goes);
    found->second = stays;
  }
  push_sender(all_lines_[into_line], stays);
}

void LineUp::forget_idle() {
  destinations_.forget_idle([this](Place place) { return lined_up(place) > 0; },
                            [this](Place place) {
                              if (place >= lines_.size()) return;
                              for (const Id line : lines_[place].all) free_line(line);
                              lines_[place] = {};
                            });
}

}  // namespace godwit::scheduler
