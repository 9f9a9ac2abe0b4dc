#include "state/mailbox/message_bytes.h"

#include <gtest/gtest.h>

#include "testing/memory_blobs.h"
#include "testing/test_loop.h"

namespace godwit::mailbox {
namespace {

class MessageBytes : public ::testing::Test {
 protected:
  Task<Result<store::BlobId>> write(std::string body) {
    auto writer = blobs_.begin(store::kFirstAccountPartition, 0);
    GODWIT_CO_TRY(co_await writer->append(body));
    GODWIT_CO_ASSIGN(const auto id, co_await writer->finish());
    GODWIT_CO_TRY(co_await writer->synced());
    co_return id;
  }
  Email email(std::string prefix, const std::string& body) {
    Email out;
    out.prefix = std::move(prefix);
    out.blob = loop_.run(write(body)).value();
    out.blob_size = body.size();
    return out;
  }
  Result<std::string> read(const Email& from, std::uint64_t offset, std::size_t length) {
    return loop_.run(read_bytes(blobs_, from, offset, length));
  }

  testing::TestLoop loop_;
  testing::MemoryBlobs blobs_;
};

TEST_F(MessageBytes, PrefixAndBlob_AreOne) {
  const auto whole = email("prefix", "-blob");
  const std::string text = "prefix-blob";
  for (std::size_t offset = 0; offset <= text.size() + 2; ++offset) {
    for (std::size_t length = 0; length <= text.size() + 2; ++length) {
      const auto expected = offset < text.size() ? text.substr(offset, length) : "";
      ASSERT_EQ(read(whole, offset, length).value(), expected) << offset << " " << length;
    }
  }
  EXPECT_EQ(read(whole, 3, SIZE_MAX).value(), "fix-blob");
  EXPECT_EQ(read(whole, UINT64_MAX, SIZE_MAX).value(), "");
}

TEST_F(MessageBytes, EitherMayBeEmpty) {
  EXPECT_EQ(read(email("", "blob"), 1, 2).value(), "lo");
  EXPECT_EQ(read(email("prefix", ""), 1, 100).value(), "refix");
  EXPECT_EQ(read(email("", ""), 0, 100).value(), "");
}

TEST_F(MessageBytes, Damage_IsToldWhereTheBlobIsNeeded) {
  const auto hurt = email("prefix", "blob");
  blobs_.damage_blob(hurt.blob);
  EXPECT_EQ(read(hurt, 0, 6).value(), "prefix");
  EXPECT_EQ(read(hurt, 0, 7).error().cause, Error::Cause::corrupt);
  auto shorter = email("", "blob");
  shorter.blob_size = 9;
  EXPECT_EQ(read(shorter, 0, 9).error().cause, Error::Cause::corrupt);
  EXPECT_EQ(read(shorter, 0, 3).value(), "blo");
}

}  // namespace
}  // namespace godwit::mailbox
