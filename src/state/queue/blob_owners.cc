#include "state/queue/blob_owners.h"

#include "base/bytes.h"
#include "state/queue/queue.h"
#include "state/queue/record.h"

namespace godwit::queue {

using store::Keyspace;

Task<Result<bool>> BlobOwners::is_live(store::BlobId id, std::uint64_t owner) {
  // One snapshot: a message that moves from fresh to waiting, or hands its blob over, is seen on one side of the move.
  auto view = engine_.read(id.partition);
  if (owner != 0 && Queue::partition_of({owner}) == id.partition) {
    for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting}) {
      GODWIT_CO_ASSIGN(const auto row, co_await view->get(keyspace, message_key({owner})));
      if (row) co_return true;
    }
  }
  const std::string prefix = id.key();
  store::ScanLimit one;
  one.rows = 1;
  GODWIT_CO_ASSIGN(const store::Page page, co_await view->scan(Keyspace::blob_refs, prefix, prefix_end(prefix), one));
  co_return !page.rows.empty();
}

}  // namespace godwit::queue
