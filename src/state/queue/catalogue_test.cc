// Cards against the rows they are made of: names, listeners, a mixed run, a restart, and what goes on while rows are read.

#include "state/queue/catalogue.h"

#include <gmock/gmock.h>

#include <map>
#include <tuple>

#include "state/queue/card_reader.h"
#include "state/queue/queue_fixture.h"
#include "state/queue/record.h"
#include "testing/seeded_random.h"

namespace godwit::queue {
namespace {

using testing::address;
using testing::recipient;

using Words = std::tuple<WallTime, std::string, std::string, std::string, std::string, std::string, std::uint32_t, std::uint32_t, int, bool,
                         bool, bool>;

Words words(const Catalogue& of, const Card& card) {
  const auto text = [&](NameId id) { return std::string(of.names().text(id)); };
  return {card.due,     text(card.tenant), text(card.sender), text(card.from), text(card.domain), text(card.reason),
          card.pending, card.kilobytes,    card.priority,     card.fresh,      card.held,         card.several};
}

std::map<MessageId, Words> all_words(const Catalogue& of) {
  std::map<MessageId, Words> all;
  of.each([&](const Card& card) { all[card.id] = words(of, card); });
  return all;
}

TEST(Names, AreForgottenWithTheirLastUse) {
  Names names;
  EXPECT_EQ(names.acquire(""), 0u);
  const NameId a = names.acquire("a.example");
  EXPECT_EQ(names.acquire("a.example"), a);
  const NameId b = names.acquire("b.example");
  EXPECT_NE(a, b);
  EXPECT_EQ(names.text(a), "a.example");
  names.release(a);
  EXPECT_EQ(names.find("a.example"), a);
  names.release(a);
  EXPECT_EQ(names.find("a.example"), 0u);
  EXPECT_EQ(names.size(), 1u);
  EXPECT_EQ(names.find("b.example"), b);
}

TEST(Names, ManyComeAndGo) {
  Names names;
  std::map<std::string, NameId> known;
  godwit::testing::SeededRandom random{3};
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "name" + std::to_string(random.below(3'000));
    if (const auto found = known.find(name); found != known.end()) {
      EXPECT_EQ(names.find(name), found->second);
      names.release(found->second);
      known.erase(found);
    } else {
      known[name] = names.acquire(name);
    }
  }
  EXPECT_EQ(names.size(), known.size());
  for (const auto& [name, id] : known) EXPECT_EQ(names.find(name), id);
  EXPECT_LE(names.bound(), 3'001u);
}

TEST(Catalogue, TakesFewBytesAMessage) {
  Catalogue catalogue;
  CardText text;
  constexpr std::size_t kMany = 200'000;
  for (std::size_t i = 0; i < kMany; ++i) {
    text.id = {(i / 3) << 23 | (i % 3)};
    text.id.value += 1;
    text.tenant = "example.org";
    catalogue.put(text);
  }
  EXPECT_EQ(catalogue.size(), kMany);
  EXPECT_LE(catalogue.bytes() / kMany, 64u);
  EXPECT_EQ(catalogue.find({1})->id.value, 1u);
}

struct Heard final : Catalogue::Listener {
  void changed(const Card& now, const Card* before) override {
    EXPECT_EQ(known.contains(now.id), before != nullptr);
    known[now.id] = now.due;
  }
  void gone(const Card& card) override { EXPECT_EQ(known.erase(card.id), 1u); }
  std::map<MessageId, WallTime> known;
};

class CatalogueTest : public testing::QueueFixture {
 protected:
  const Catalogue& cards(std::size_t on = 0) const { return queue->catalogue(on); }
  void fill(std::size_t on = 0) { loop.run(filled(*queue, on)); }
  static Task<> filled(Queue& from, std::size_t on) {
    std::function<bool()> never = [] { return false; };
    co_await from.fill(on, std::move(never));
  }
  // Of the rows, message by message.
  std::map<MessageId, Words> recounted() {
    Catalogue fresh;
    for (const Message& each : *loop.run(queue->list(std::nullopt, 100'000)))
      fresh.put(each, each.held ? kNever : each.rows.waiting ? each.rows.due : WallTime(), !each.rows.waiting);
    return all_words(fresh);
  }

  Message varied(godwit::testing::SeededRandom& random) {
    Message made = message(1 + random.below(3) * random.below(20));
    if (random.below(5) == 0) made.reverse_path = {};
    if (random.below(3) == 0) made.identity = "account" + std::to_string(random.below(4)) + "@example.org";
    if (random.below(2) == 0) made.recipients.back().address = address("x@other" + std::to_string(random.below(9)) + ".example");
    made.tenant = "tenant" + std::to_string(random.below(5));
    made.priority = static_cast<std::uint8_t>(random.below(7));
    made.held = random.below(8) == 0;
    return made;
  }

  void step(godwit::testing::SeededRandom& random, std::vector<Message>& there) {
    const auto what = random.below(10);
    if (there.empty() || what < 5) {
      Message made = varied(random);
      ASSERT_TRUE(accept(made));
      there.push_back(std::move(made));
      return;
    }
    const std::size_t which = random.below(there.size());
    if (what < 7) {
      ASSERT_TRUE(complete(there[which]));
      there.erase(there.begin() + static_cast<std::ptrdiff_t>(which));
      return;
    }
    Message& one = there[which];
    Recipient& each = one.recipients[random.below(one.recipients.size())];
    each.attempts = 1;
    each.next_attempt = now() + std::chrono::minutes(random.below(100));
    each.last.reply_class = random.below(2) ? "greylisted" : "";
    each.last.site_down = random.below(2) != 0;
    if (random.below(3) == 0 && pending_recipients(one) > 1) each.state = Recipient::State::bounced;
    one.held = random.below(6) == 0;
    ASSERT_TRUE(update(one, {}, true));
  }
};

TEST_F(CatalogueTest, MixedRun_AgreesWithTheRows_AndAgainAfterARestart) {
  godwit::testing::SeededRandom random{11};
  Heard heard;
  queue->catalogue(0).listen(&heard);
  std::vector<Message> there;
  for (int i = 0; i < 1'500; ++i) step(random, there);
  queue->catalogue(0).listen(nullptr);
  EXPECT_EQ(cards().size(), there.size());
  const auto live = all_words(cards());
  EXPECT_EQ(live, recounted());
  EXPECT_EQ(heard.known.size(), there.size());
  reopen();
  EXPECT_EQ(cards().size(), 0u);
  EXPECT_FALSE(cards().complete());
  Heard again;
  queue->catalogue(0).listen(&again);
  fill();
  EXPECT_TRUE(cards().complete());
  EXPECT_EQ(all_words(cards()), live);
  EXPECT_EQ(again.known.size(), there.size());
}

TEST_F(CatalogueTest, ManyPages_AndMessagesOverSeveralOfThem) {
  std::vector<Message> there;
  for (int i = 0; i < 700; ++i) there.push_back(accepted(i % 50 == 0 ? 200 : 1));
  for (std::size_t i = 0; i < there.size(); i += 2) {
    there[i].recipients[0].next_attempt = now();
    there[i].recipients[0].attempts = 1;
    ASSERT_TRUE(update(there[i], {}, true));
  }
  const auto live = all_words(cards());
  reopen();
  fill();
  EXPECT_EQ(all_words(cards()), live);
  EXPECT_EQ(cards().find(there[0].id)->pending, 200u);
}

TEST_F(CatalogueTest, EachLoop_HasItsShards) {
  reopen(2);
  Message one = message(1, 0);
  Message two = message(1, 1);
  ASSERT_TRUE(accept(one));
  ASSERT_TRUE(accept(two));
  EXPECT_TRUE(cards(0).find(one.id) && !cards(0).find(two.id));
  EXPECT_TRUE(cards(1).find(two.id) && !cards(1).find(one.id));
  reopen(1);
  fill();
  EXPECT_EQ(cards().size(), 2u);
}

// While a page is read: what is done live is newer.
TEST_F(CatalogueTest, GoneWhileARowWasRead_StaysAway) {
  Catalogue catalogue;
  CardText text;
  text.id = {7};
  text.pending = 1;
  catalogue.begin_read();
  catalogue.put(text);
  catalogue.erase({7});
  text.pending = 2;
  catalogue.put_read(text);
  EXPECT_EQ(catalogue.find({7}), nullptr);
  catalogue.end_read();
  text.id = {8};
  catalogue.put(text);
  text.pending = 9;
  catalogue.begin_read();
  catalogue.put_read(text);
  catalogue.end_read();
  EXPECT_EQ(catalogue.find({8})->pending, 2u);
}

// The memory engine with a damaged block of `waiting`: who reads a row of it, or over it, gets `corrupt`.
class DamagedEngine final : public store::Engine {
 public:
  DamagedEngine(store::Engine& inner, std::string from, std::string to) : inner_(inner), from_(std::move(from)), to_(std::move(to)) {}
  std::unique_ptr<store::View> read(store::Partition partition) override { return std::make_unique<Reader>(*this, inner_.read(partition)); }
  Task<store::WriteDone> write(store::Partition partition, store::Batch batch) override {
    return inner_.write(partition, std::move(batch));
  }
  Task<Result<void>> sync() override { return inner_.sync(); }
  bool full() const override { return inner_.full(); }

 private:
  class Reader final : public store::View {
   public:
    Reader(const DamagedEngine& engine, std::unique_ptr<store::View> inner) : engine_(engine), inner_(std::move(inner)) {}
    Task<Result<std::optional<store::Row>>> get(store::Keyspace keyspace, std::string key) override {
      if (keyspace == store::Keyspace::waiting && key >= engine_.from_ && key < engine_.to_) co_return fail(error());
      co_return co_await inner_->get(keyspace, std::move(key));
    }
    Task<Result<store::Page>> scan(store::Keyspace keyspace, std::string from, std::string to, store::ScanLimit limit,
                                   store::Direction direction) override {
      if (keyspace == store::Keyspace::waiting && from < engine_.to_ && (to.empty() || to > engine_.from_)) co_return fail(error());
      co_return co_await inner_->scan(keyspace, std::move(from), std::move(to), limit, direction);
    }

   private:
    static Error error() { return Error::permanent(Error::Cause::corrupt, "a block does not add up"); }
    const DamagedEngine& engine_;
    std::unique_ptr<store::View> inner_;
  };
  store::Engine& inner_;
  const std::string from_;
  const std::string to_;
};

TEST_F(CatalogueTest, DamagedTable_CostsOnlyTheMessagesInIt) {
  reopen(2);
  std::vector<Message> there;
  for (std::size_t i = 0; i < 40; ++i) {
    Message made = message(i % 10 == 0 ? 40 : 1, i % 2);
    ASSERT_TRUE(accept(made));
    made.recipients[0].attempts = 1;
    made.recipients[0].next_attempt = now() + std::chrono::minutes(i);
    ASSERT_TRUE(update(made));
    there.push_back(std::move(made));
  }
  const auto live = all_words(cards(0));
  const auto other = all_words(cards(1));
  // Of loop 0: all of 10, and a page of 20.
  for (const auto& [from, to, lost] : {std::tuple(message_key(there[10].id), message_key({there[10].id.value + 1}), true),
                                       std::tuple(page_key(there[20].id, 2), page_key(there[20].id, 3), false)}) {
    DamagedEngine damaged(engine, from, to);
    queue = std::make_unique<Queue>(damaged, blobs, loop.clock());
    ASSERT_TRUE(loop.run(queue->open(2)));
    fill(0);
    fill(1);
    EXPECT_TRUE(cards(0).complete());
    EXPECT_EQ(all_words(cards(1)), other);
    auto expected = live;
    if (lost) {
      expected.erase(there[10].id);
      EXPECT_EQ(all_words(cards(0)), expected);
    } else {
      ASSERT_NE(cards(0).find(there[20].id), nullptr);
      EXPECT_EQ(cards(0).find(there[20].id)->pending, 16u);
      EXPECT_EQ(cards(0).size(), live.size());
    }
    queue.reset();
  }
}

TEST_F(CatalogueTest, RefusedAccept_LeavesNoCard) {
  Message refused = message();
  engine.set_full(true);
  EXPECT_FALSE(accept(refused));
  engine.set_full(false);
  EXPECT_EQ(cards().size(), 0u);
}

TEST(CardReader, DamagedRows_AreRefusedNotTrusted) {
  Message made;
  made.id = {1234567};
  made.reverse_path = smtp::ReversePath(address("\"a b\"@example.org"));
  for (int i = 0; i < 16; ++i) made.recipients.push_back(recipient("r" + std::to_string(i) + "@d.example"));
  made.tenant = "example.org";
  const std::string row = *encode_record(made);
  CardReader reader;
  ASSERT_TRUE(reader.record(made.id, row, true));
  EXPECT_EQ(reader.text().from, "\"a b\"@example.org");
  EXPECT_EQ(reader.text().pending, 16u);
  for (std::size_t cut = 0; cut < row.size(); ++cut) ignore(reader.record(made.id, std::string_view(row).substr(0, cut), true), "no crash");
  godwit::testing::SeededRandom random{5};
  for (int i = 0; i < 5'000; ++i) {
    std::string bad = row;
    for (int flips = 0; flips < 3; ++flips) bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    if (reader.record(made.id, bad, true)) ignore(reader.page(bad), "no crash");
  }
}

// What was read of it stays true when its row has gone.
TEST(CardReader, DamagedPage_LeavesNothingThatPointsIntoIt) {
  Message made;
  made.id = {1234567};
  for (int i = 0; i < 32; ++i)
    made.recipients.push_back(recipient("r" + std::to_string(i) + "@a-domain-of-some-length" + std::to_string(i / 16) + ".example"));
  for (int i = 0; i < 16; ++i) made.recipients[static_cast<std::size_t>(i)].state = Recipient::State::delivered;
  CardReader reader;
  ASSERT_TRUE(reader.record(made.id, *encode_record(made), true));
  {
    auto page = std::make_unique<std::string>(*encode_page(made, 1));
    page->pop_back();
    EXPECT_FALSE(reader.page(*page));
  }
  EXPECT_EQ(reader.text().domain, "a-domain-of-some-length1.example");
}

}  // namespace
}  // namespace godwit::queue
