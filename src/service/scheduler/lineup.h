#pragma once
// Who is next: the messages that are due, lined up by destination, tenant, sender and urgency; and those that wait, by their moment.
//
// pick() gives the message whose turn it is among the destinations that take one now (destinations.h). Turns are fair in weighted
// shares (start-time fair queueing: whoever has had least for his weight is next): among tenants over all, and among tenants at each
// destination, so that whoever sends to many places gets no more of any than whoever sends to one. A tenant's senders take turns; a
// sender's messages go in the order in which they came. Urgent mail weighs 8 times as much as normal mail, and that 8 times as much as
// non-urgent mail (priority.h): nobody starves, and a message that is alone in its urgency goes next.
//
// A destination shows no more lines to the outside than it may take messages; the others wait hidden, so that a pick looks only at
// lines that can move: O(log n), however many destinations are down.
//
// About 45 bytes a message, and more for each sender that has something lined up. Pure bookkeeping: no I/O, no clock. One loop.

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "service/scheduler/agenda.h"
#include "service/scheduler/destinations.h"

namespace godwit::scheduler {

class LineUp {
 public:
  // Whose message it is. A tenant without a share has 1.
  struct Party {
    std::string_view tenant;
    std::string_view sender;
    queue::Urgency urgency = queue::Urgency::normal;
  };

  void set_shares(std::map<std::string, unsigned, std::less<>> shares);
  Destinations& destinations() { return destinations_; }
  // Of the domain of a message's recipient. What nobody would miss is forgotten here and in pick().
  Place place_of(std::string_view domain);
  const Destinations& destinations() const { return destinations_; }

  std::size_t size() const { return agenda_.size(); }
  std::size_t lined_up() const { return lined_up_; }
  std::size_t lined_up(Place place) const { return place < lines_.size() ? lines_[place].messages : 0; }
  bool contains(MessageId id) const { return agenda_.find(id) != Agenda::kNone; }

  // Not due yet. `must`: then it has to be tried wherever it goes. An id is in here once: what was there before is replaced.
  void wait(MessageId id, WallTime due, bool must);
  // Due. At `moment` it must be tried even if its destination is down.
  void line_up(MessageId id, Place place, const Party& party, WallTime moment);
  bool remove(MessageId id);

  struct Pick {
    MessageId id;
    Place place = kNowhere;  // where it counts as in work now: give it back()
  };
  // The next, of all or of the urgent ones alone.
  std::optional<Pick> pick(bool urgent_only);
  // One that has just come needs no place in the line: nobody is before it, and its destination takes it.
  bool may_go(Place place, const Party& party);

  // A message whose moment is over is taken out.
  struct Due {
    MessageId id;
    bool must = false;
  };
  std::optional<Due> take_due(WallTime now);
  std::optional<WallTime> next_due() const;

  void back(Place place, SteadyTime now);
  void undo(Place place);  // of a pick: it was not tried
  void alive(Place place);
  // That destination takes nothing of that tenant before: others' mail goes on.
  void close(Place place, std::string_view tenant, SteadyTime until);
  std::optional<SteadyTime> next_reopening() const;
  // Destinations and tenants whose time is over have their turns again.
  void reopen(SteadyTime now);
  void learn(std::string_view domain, std::string_view site);

 private:
  using Id = std::uint32_t;  // of a sender, a line or a flow
  static constexpr Id kNone = UINT32_MAX;
  static constexpr Id kMust = UINT32_MAX - 1;  // of a node that waits

  struct Sender {  // its messages in a line
    Agenda::List messages;
    std::uint64_t name = 0;
    Id line = kNone;
    Id next = kNone;
    Id prev = kNone;
  };
  struct Line {  // of one flow at one destination
    Place place = kNowhere;
    Id flow = kNone;
    double turn = 0;  // at its destination: messages so far by weight
    std::uint32_t messages = 0;
    Id first = kNone;  // senders
    Id last = kNone;
    Id next = kNone;  // among the flow's lines that are shown
    Id prev = kNone;
    SteadyTime until{};  // while closed
    bool closed = false;
    bool shown = false;
    bool hidden = false;  // it is in its destination's heap
  };
  struct Flow {  // of one tenant and urgency, everywhere
    double weight = 1;
    double turn = 0;
    queue::Urgency urgency = queue::Urgency::normal;
    Id first = kNone;  // lines that are shown
    Id last = kNone;
  };
  struct Lines {  // of a destination
    std::vector<Id> all;
    std::array<std::vector<Id>, 2> hidden;  // heaps by `turn`: urgent ones, others
    double turn = 0;
    std::size_t shown = 0;
    std::size_t messages = 0;
  };
  struct SenderKey {
    Id line;
    std::uint64_t name;
    bool operator==(const SenderKey&) const = default;
  };
  struct SenderHash {
    std::size_t operator()(const SenderKey& key) const { return key.name ^ (key.line * 0x9e3779b97f4a7c15u); }
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Turn = std::pair<double, Id>;

  Id flow_of(const Party& party);
  double weight(std::string_view tenant, queue::Urgency urgency) const;
  Id line_of(Place place, Id flow);
  Id sender_of(Id line, std::uint64_t name);
  Lines& lines(Place place);
  bool is_urgent(const Line& line) const { return flows_[line.flow].urgency == queue::Urgency::urgent; }

  void take_out(Agenda::Index index);
  void drop_sender(Id sender);
  void unlink_sender(Id sender);
  void push_sender(Line& line, Id sender);
  void show(Id line);
  void unshow(Id line);
  void hide(Id line);
  void open(Id line);
  void free_line(Id line);
  void show_some(Place place);
  Id best_hidden(Lines& at, bool urgent_only);
  void pop_hidden(Lines& at, Id line);
  Id next_flow(bool urgent_only) const;
  void enter_flow(Id flow);
  void leave_flow(Id flow);
  Pick take(Id line);
  void join(Place from, Place to);
  void join_sender(Id from, Id into_line);
  void forget_idle();

  Agenda agenda_;
  Destinations destinations_;
  std::map<std::string, unsigned, std::less<>> shares_;
  std::unordered_map<std::string, Id, TextHash, std::equal_to<>> tenants_;  // the first of three flows
  std::vector<Flow> flows_;
  std::vector<Line> all_lines_;
  std::vector<Id> free_lines_;
  std::unordered_map<std::uint64_t, Id> lines_by_key_;  // place and flow
  std::vector<Sender> senders_;
  std::vector<Id> free_senders_;
  std::unordered_map<SenderKey, Id, SenderHash> senders_by_key_;
  std::vector<Lines> lines_;                    // by place
  std::array<std::set<Turn>, 2> ready_;         // flows that show a line: urgent ones, others
  std::set<std::pair<SteadyTime, Id>> closed_;  // lines
  double turn_ = 0;
  std::size_t lined_up_ = 0;
};

}  // namespace godwit::scheduler
