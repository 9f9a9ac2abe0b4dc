#pragma once
// For tests: a queue on the memory engine and memory blobs, restarted at will, and messages to put into it.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "state/queue/blob_owners.h"
#include "state/queue/queue.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/test_loop.h"

namespace godwit::queue::testing {

inline smtp::Address address(std::string_view text) {
  auto parsed = smtp::parse_address(text);
  GODWIT_CHECK(parsed);
  return *std::move(parsed);
}

inline Recipient recipient(std::string_view text) {
  Recipient result;
  result.address = address(text);
  return result;
}

class QueueFixture : public ::testing::Test {
 public:
  QueueFixture() {
    blobs.set_owners(&owners);
    open();
  }

  void open(std::size_t loops = 1, const std::filesystem::path& crash_note = {}) {
    queue = std::make_unique<Queue>(engine, blobs, loop.clock());
    const auto opened = loop.run(queue->open(loops, crash_note));
    ASSERT_TRUE(opened) << opened.error().text;
  }

  // Power cut: what was lazy is lost, what was not synced is damaged or gone; then a new start.
  void crash_and_open() {
    engine.crash_forgetting_all();
    loop.poll();
    blobs.crash();
    queue.reset();
    engine.restart();
    open();
  }

  // Stop and start; nothing is lost.
  void reopen(std::size_t loops = 1) {
    queue.reset();
    open(loops);
  }

  Message message(std::size_t recipients = 1, std::size_t on_loop = 0) {
    Message result;
    result.id = queue->next_id(on_loop);
    result.reverse_path = smtp::ReversePath(address("sender@example.org"));
    for (std::size_t i = 0; i < recipients; ++i) result.recipients.push_back(recipient("rcpt" + std::to_string(i) + "@example.net"));
    result.prefix = "Received: by mx.example.org; Sun, 22 Nov 2026 12:00:00 +0000\r\n";
    result.accepted = loop.clock().now();
    return result;
  }

  // Writes the body and accepts; fills in blob and size.
  Task<Result<void>> write(Message& into, std::string body = "Subject: x\r\n\r\nhello\r\n") {
    auto writer = blobs.begin(Queue::partition_of(into.id), into.id.value);
    GODWIT_CO_TRY(co_await writer->append(body));
    GODWIT_CO_ASSIGN(into.blob, co_await writer->finish());
    into.size = body.size();
    co_return co_await queue->accept(into, *writer);
  }

  Result<void> accept(Message& into) { return loop.run(write(into)); }

  Message accepted(std::size_t recipients = 1) {
    Message result = message(recipients);
    const auto done = accept(result);
    GODWIT_CHECK(done);
    return result;
  }

  std::vector<MessageId> fresh_ids(Shard shard = 0) {
    std::vector<MessageId> ids;
    for (const Message& each : *loop.run(queue->fresh(shard, std::nullopt, 1'000))) ids.push_back(each.id);
    return ids;
  }

  std::optional<Message> load(MessageId id) {
    auto loaded = loop.run(queue->load(id));
    GODWIT_CHECK(loaded);
    return *std::move(loaded);
  }

  Result<void> update(Message& changed, std::vector<Handover> handovers = {}, bool lazy = false) {
    return loop.run(queue->update(changed, std::move(handovers), lazy));
  }
  Result<void> complete(const Message& done, std::vector<Handover> handovers = {}) {
    return loop.run(queue->complete(done, std::move(handovers)));
  }

  Queue::Due due(WallTime until, std::size_t limit = 100, std::optional<DueEntry> after = std::nullopt) {
    return *loop.run(queue->due(0, until, limit, after));
  }

  WallTime now() { return loop.clock().now(); }
  static store::Partition shard(Shard number) { return store::kFirstShardPartition + number; }

  godwit::testing::TestLoop loop;
  godwit::testing::MemoryEngine engine;
  godwit::testing::MemoryBlobs blobs;
  BlobOwners owners{engine};
  std::unique_ptr<Queue> queue;
};

}  // namespace godwit::queue::testing
