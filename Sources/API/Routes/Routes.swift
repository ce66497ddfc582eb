// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// All that the API answers, in groups.
enum Routes {
    /// The routes of a node.
    ///
    /// - Parameter nodes: Origins of the nodes that the console may read beside this one.
    static func router(_ desk: NodeDesk, _ scraper: Scraper, nodes: [String]) -> Router {
        var router = Router()
        addDocument(to: &router)
        addConsole(to: &router, nodes)
        addOverview(to: &router, desk, nodes)
        addHealth(to: &router, desk)
        addMetrics(to: &router, scraper)
        addParties(to: &router, desk)
        addSubmitting(to: &router, desk)
        addJobs(to: &router, desk)
        addFollowing(to: &router, desk)
        addEvents(to: &router, desk)
        addLog(to: &router, desk)
        addLists(to: &router, desk)
        addThings(to: &router, desk)
        addHistories(to: &router, desk)
        addTape(to: &router, desk)
        addForensics(to: &router, desk)
        addCertificates(to: &router, desk)
        return router
    }
}
