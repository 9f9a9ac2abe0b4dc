// Random work on an account beside a simple model of it; after each step the two agree, and after each seed the rows add up.

#include <algorithm>
#include <set>

#include "state/mailbox/mailbox_fixture.h"

namespace godwit::mailbox {
namespace {

using How = FlagChange::How;

struct ModelMessage {
  EmailId email = 0;
  std::uint8_t flags = 0;
  std::set<std::string> keywords;
  bool operator==(const ModelMessage&) const = default;
};
using ModelMessages = std::map<Uid, ModelMessage>;
struct ModelBox {
  MailboxNumber number = 0;
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  ModelMessages messages;
  // what somebody saw once, for changes()
  Modseq seen_at = 0;
  ModelMessages seen;
};

class ModelTest : public MailboxFixture {
 protected:
  static constexpr int kSteps = 40;

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_.below(below)); }
  bool chance(std::size_t one_in) { return pick(one_in) == 0; }
  std::string pick_name() {
    static const std::vector<std::string> names = {"INBOX", "a", "a/b", "a/b/c", "b", "c/d", "Sent", "Trash"};
    return names[pick(names.size())];
  }
  std::string pick_box() { return std::next(boxes_.begin(), static_cast<std::ptrdiff_t>(pick(boxes_.size())))->first; }
  std::vector<UidRange> pick_uids(const ModelBox& box) {
    if (chance(8)) return {{1, UINT32_MAX}};
    std::vector<UidRange> out;
    for (Uid uid = 1 + static_cast<Uid>(pick(3)); uid < box.uid_next + 1; uid += 2 + static_cast<Uid>(pick(5)))
      out.push_back({uid, uid + static_cast<Uid>(pick(2))});
    return normalise(out);
  }
  static std::vector<UidRange> normalise(std::vector<UidRange> uids) {
    std::vector<UidRange> out;
    for (const auto& each : uids) {
      if (!out.empty() && each.first <= out.back().last + 1)
        out.back().last = std::max(out.back().last, each.last);
      else
        out.push_back(each);
    }
    return out;
  }
  static bool is_in(const std::vector<UidRange>& uids, Uid uid) {
    return std::ranges::any_of(uids, [uid](const UidRange& each) { return each.first <= uid && uid <= each.last; });
  }
  static std::vector<Uid> those_in(const ModelBox& box, const std::vector<UidRange>& uids) {
    std::vector<Uid> out;
    for (const auto& [uid, message] : box.messages) {
      if (is_in(uids, uid)) out.push_back(uid);
    }
    return out;
  }
  std::vector<std::string> pick_keywords() {
    std::vector<std::string> out;
    for (const auto* each : {"one", "two", "three"}) {
      if (chance(3)) out.emplace_back(each);
    }
    return out;
  }

  void begin();
  void step();
  void do_append();
  void do_deliver();
  void do_copy();
  void do_flags();
  void do_expunge();
  void do_create();
  void do_remove();
  void do_rename();
  void adopt(const std::string& name);
  void compare();
  void compare_box(const std::string& name, ModelBox& box);
  ModelMessages read(MailboxNumber number);

  std::map<std::string, ModelBox> boxes_;
};

void ModelTest::adopt(const std::string& name) {
  const auto found = find(name);
  ASSERT_TRUE(found.has_value()) << name;
  boxes_[name] = ModelBox{found->number, found->uid_validity, found->uid_next, {}, found->highest_modseq, {}};
}

void ModelTest::begin() {
  open_account();
  boxes_.clear();
  for (const auto& name : names()) adopt(name);
}

void ModelTest::do_append() {
  ModelBox& box = boxes_.at(pick_box());
  std::vector<NewMessage> some;
  for (std::size_t i = 0; i <= pick(3); ++i)
    some.push_back(
        new_message("x", static_cast<std::uint8_t>(pick(32)), pick_keywords(), {std::to_string(pick(9)), std::to_string(pick(9))}));
  const auto done = append(box.number, some).value();
  ASSERT_EQ(done.uids.size(), some.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    ASSERT_EQ(done.uids[i], box.uid_next++);
    const EmailId email = messages(box.number, {{done.uids[i], done.uids[i]}}).at(0).email;
    box.messages[done.uids[i]] = {email, some[i].flags, {some[i].keywords.begin(), some[i].keywords.end()}};
  }
}

void ModelTest::do_deliver() {
  ModelBox& box = boxes_.at("INBOX");
  const auto done = settle(kAnna, queued());
  ASSERT_EQ(done.uid, box.uid_next++);
  box.messages[done.uid] = {done.email, 0, {}};
}

void ModelTest::do_copy() {
  ModelBox& from = boxes_.at(pick_box());
  ModelBox& to = boxes_.at(pick_box());
  const bool move = chance(2);
  const auto uids = pick_uids(from);
  const auto wanted = those_in(from, uids);
  const auto done = copy(from.number, uids, to.number, move).value();
  ASSERT_EQ(done.from, wanted);
  ASSERT_EQ(done.to.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(done.to[i], to.uid_next++);
    to.messages[done.to[i]] = from.messages.at(wanted[i]);
    if (move) from.messages.erase(wanted[i]);
  }
}

void ModelTest::do_flags() {
  ModelBox& box = boxes_.at(pick_box());
  const auto uids = pick_uids(box);
  const FlagChange change{static_cast<How>(pick(3)), static_cast<std::uint8_t>(pick(32)), pick_keywords()};
  const auto done = change_flags(box.number, uids, change).value();
  const auto wanted = those_in(box, uids);
  ASSERT_EQ(done.messages.size(), wanted.size());
  for (const Uid uid : wanted) {
    ModelMessage& message = box.messages.at(uid);
    if (change.how == How::replace) {
      message.flags = 0;
      message.keywords.clear();
    }
    if (change.how == How::remove) {
      message.flags = static_cast<std::uint8_t>(message.flags & ~change.flags);
      for (const auto& keyword : change.keywords) message.keywords.erase(keyword);
    } else {
      message.flags |= change.flags;
      message.keywords.insert(change.keywords.begin(), change.keywords.end());
    }
  }
}

void ModelTest::do_expunge() {
  ModelBox& box = boxes_.at(pick_box());
  const auto uids = pick_uids(box);
  const bool only_deleted = chance(2);
  std::vector<Uid> wanted = those_in(box, uids);
  std::erase_if(wanted, [&](Uid uid) { return only_deleted && (box.messages.at(uid).flags & kDeleted) == 0; });
  const auto removed = expunge_in(box.number, uids, only_deleted).value();
  ASSERT_EQ(removed, wanted);
  for (const Uid uid : wanted) box.messages.erase(uid);
}

void ModelTest::do_create() {
  const std::string name = pick_name();
  const auto made = create(name);
  ASSERT_EQ(made.has_value(), !boxes_.contains(name)) << name;
  if (!made) return;
  for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
    if (!boxes_.contains(name.substr(0, at))) adopt(name.substr(0, at));
  }
  adopt(name);
}

void ModelTest::do_remove() {
  const std::string name = pick_name();
  const bool removed = remove(name).has_value();
  ASSERT_EQ(removed, name != "INBOX" && boxes_.contains(name)) << name;
  if (removed) boxes_.erase(name);
}

void ModelTest::do_rename() {
  const std::string from = pick_name(), to = pick_name();
  if (from == "INBOX") return;
  auto below = [](const std::string& name, const std::string& tree) { return name == tree || name.starts_with(tree + "/"); };
  bool possible = boxes_.contains(from) && !below(to, from);
  std::map<std::string, ModelBox> after;
  for (const auto& [name, box] : boxes_) {
    if (!below(name, from)) after.emplace(name, box);
  }
  for (const auto& [name, box] : boxes_) {
    if (below(name, from)) possible = after.emplace(to + name.substr(from.size()), box).second && possible;
  }
  possible = possible && !boxes_.contains(to);
  ASSERT_EQ(rename(from, to).has_value(), possible) << from << " to " << to;
  if (!possible) return;
  boxes_ = std::move(after);
  for (std::size_t at = to.find('/'); at != std::string::npos; at = to.find('/', at + 1)) {
    if (!boxes_.contains(to.substr(0, at))) adopt(to.substr(0, at));
  }
}

void ModelTest::step() {
  switch (pick(10)) {
    case 0:
    case 1: return do_append();
    case 2: return do_deliver();
    case 3: return do_copy();
    case 4:
    case 5: return do_flags();
    case 6: return do_expunge();
    case 7: return do_create();
    case 8: return do_remove();
    default: return do_rename();
  }
}

ModelMessages ModelTest::read(MailboxNumber number) {
  const auto known = loop_.run(mailboxes_->keywords(kAnna)).value();
  ModelMessages out;
  for (const auto& each : messages(number)) {
    ModelMessage message{each.email, each.flags, {}};
    for (const KeywordNumber keyword : each.keywords) message.keywords.insert(known->name(keyword));
    out[each.uid] = message;
  }
  return out;
}

void ModelTest::compare_box(const std::string& name, ModelBox& box) {
  SCOPED_TRACE(name);
  const Mailbox now = find(name).value();
  ASSERT_EQ(now.number, box.number);
  ASSERT_EQ(now.uid_validity, box.uid_validity);
  ASSERT_EQ(now.uid_next, box.uid_next);
  ASSERT_EQ(now.total, box.messages.size());
  ASSERT_EQ(now.unseen, std::ranges::count_if(box.messages, [](const auto& each) { return (each.second.flags & kSeen) == 0; }));
  ASSERT_EQ(now.deleted, std::ranges::count_if(box.messages, [](const auto& each) { return (each.second.flags & kDeleted) != 0; }));
  ASSERT_EQ(read(box.number), box.messages);
  ASSERT_EQ(loop_.run(mailboxes_->uids(kAnna, box.number)).value().count(), box.messages.size());

  const Changes changed = changes(box.number, box.seen_at);
  ASSERT_TRUE(changed.complete);
  ASSERT_EQ(changed.modseq, now.highest_modseq);
  std::set<Uid> told;
  for (const auto& each : changed.messages) told.insert(each.uid);
  for (const auto& [uid, message] : box.messages) {
    const auto before = box.seen.find(uid);
    if (before == box.seen.end() || before->second != message) ASSERT_TRUE(told.contains(uid)) << uid;
  }
  const std::set<Uid> gone(changed.expunged.begin(), changed.expunged.end());
  for (const auto& [uid, message] : box.seen) ASSERT_EQ(gone.contains(uid), !box.messages.contains(uid)) << uid;
  if (!chance(4)) return;
  box.seen_at = now.highest_modseq;
  box.seen = box.messages;
}

void ModelTest::compare() {
  std::vector<std::string> expected;
  for (const auto& [name, box] : boxes_) expected.push_back(name);
  ASSERT_THAT(names(), ::testing::UnorderedElementsAreArray(expected));
  for (auto& [name, box] : boxes_) ASSERT_NO_FATAL_FAILURE(compare_box(name, box));
}

class ModelSeedTest : public ModelTest, public ::testing::WithParamInterface<int> {};

TEST_P(ModelSeedTest, Agrees) {
  for (int seed = GetParam() * 20; seed < (GetParam() + 1) * 20; ++seed) {
    SCOPED_TRACE(seed);
    random_ = testing::SeededRandom(static_cast<std::uint64_t>(seed));
    remove_account(kAnna);
    ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
    store::Batch again;  // the number is taken once more: a new account
    again.erase(Keyspace::directory, std::string(directory::kRemovedKey));
    ASSERT_TRUE(loop_.run(engine_.write(directory::partition_of(kAnna), std::move(again))).ok());
    open();
    auto other = std::make_unique<Mailboxes>(engine_, blobs_, loop_.clock(), random_);
    ASSERT_NO_FATAL_FAILURE(begin());
    for (int i = 0; i < kSteps; ++i) {
      ASSERT_NO_FATAL_FAILURE(step());
      if (chance(5)) ASSERT_NO_FATAL_FAILURE(compare());
      if (chance(2)) std::swap(mailboxes_, other);  // another node: what this one remembers gets old
    }
    ASSERT_NO_FATAL_FAILURE(compare());
    ASSERT_THAT(verify(), ::testing::IsEmpty());
  }
}

// The power goes at any write of any work: what was answered is there, and the rows add up.
class ModelCrashTest : public ModelTest, public ::testing::WithParamInterface<int> {
 protected:
  // As a client would: what fails is what was cut off.
  void blind_step() {
    const auto inbox = pick_uids(ModelBox{kInbox, 0, 12, {}, 0, {}});
    const MailboxNumber other = 2 + static_cast<MailboxNumber>(pick(5));
    switch (pick(7)) {
      case 0: ignore(append(other, {new_message("x", kDeleted, pick_keywords(), {"1", "2"})}), "cut off"); break;
      case 1: ignore(deliver(kAnna, stock_[pick(stock_.size())]), "cut off"); break;
      case 2: ignore(copy(kInbox, inbox, other, chance(2)), "cut off"); break;
      case 3: ignore(change_flags(kInbox, inbox, {How::add, static_cast<std::uint8_t>(pick(32)), pick_keywords()}), "cut off"); break;
      case 4: ignore(loop_.run(mailboxes_->expunge(kAnna, chance(2) ? kInbox : other, inbox, chance(2))), "cut off"); break;
      case 5: ignore(create(pick_name()), "cut off"); break;
      default: ignore(chance(2) ? rename(pick_name(), pick_name()) : remove(pick_name()), "cut off"); break;
    }
  }

  std::vector<Queued> stock_;  // messages that the queue has
};

TEST_P(ModelCrashTest, RowsAddUp) {
  random_ = testing::SeededRandom(static_cast<std::uint64_t>(1'000 + GetParam()));
  Modseq highest = 0;
  for (int crash = 0; crash < 8; ++crash) {
    open_account();
    for (int i = 0; i < 4; ++i) stock_.push_back(queued());
    for (std::size_t i = 0; i < 3 + pick(10); ++i) {
      blind_step();
      const auto seen = loop_.run(mailboxes_->status(kAnna, kInbox));
      if (seen) highest = std::max(highest, seen->highest_modseq);
    }
    const auto failure = chance(2) ? testing::MemoryEngine::Failure::lost : testing::MemoryEngine::Failure::applied;
    engine_.fail_at(1 + pick(4), failure);
    for (int i = 0; i < 4; ++i) blind_step();
    engine_.crash_at_random(random_);
    restart();
    ASSERT_TRUE(loop_.run(mailboxes_->apply_outbox(kAnna)).has_value());
    ASSERT_THAT(verify(), ::testing::IsEmpty());
    const Modseq given = messages(kInbox, {{settle(kAnna, queued()).uid, UINT32_MAX}}).at(0).modseq;
    ASSERT_GT(given, highest);
    highest = given;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelCrashTest, ::testing::Range(0, 40));
INSTANTIATE_TEST_SUITE_P(Seeds, ModelSeedTest, ::testing::Range(0, 10));

}  // namespace
}  // namespace godwit::mailbox
