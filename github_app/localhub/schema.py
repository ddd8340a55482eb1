"""The part of GitHub's GraphQL schema that localhub serves; names and nullability are GitHub's."""

SDL = """
scalar DateTime
scalar URI
scalar GitObjectID
enum ReportedContentClassifiers { SPAM ABUSE OFF_TOPIC OUTDATED DUPLICATE RESOLVED LOW_QUALITY }
enum DiffSide { LEFT RIGHT }
enum PullRequestReviewThreadSubjectType { FILE LINE }
enum PullRequestMergeMethod { MERGE SQUASH REBASE }
enum MergeStateStatus { DIRTY UNKNOWN BLOCKED BEHIND DRAFT UNSTABLE HAS_HOOKS CLEAN }
enum PullRequestReviewDecision { CHANGES_REQUESTED APPROVED REVIEW_REQUIRED }
interface Actor { login: String! url: URI! avatarUrl(size: Int): URI! }
interface Node { id: ID! }
interface Comment { body: String! author: Actor editor: Actor lastEditedAt: DateTime }
interface Minimizable { isMinimized: Boolean! minimizedReason: String }
type User implements Actor & Node {
  id: ID! login: String! url: URI! avatarUrl(size: Int): URI! databaseId: Int name: String }
type Bot implements Actor & Node { id: ID! login: String! url: URI! avatarUrl(size: Int): URI! databaseId: Int }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! endCursor: String startCursor: String }
type Commit implements Node { id: ID! oid: GitObjectID! }
type PullRequestReview implements Node & Comment {
  id: ID! databaseId: Int fullDatabaseId: String state: String! body: String! author: Actor editor: Actor
  lastEditedAt: DateTime
  submittedAt: DateTime url: URI! }
type PullRequestReviewComment implements Node & Minimizable & Comment {
  id: ID! databaseId: Int fullDatabaseId: String author: Actor body: String! bodyText: String! path: String!
  line: Int originalLine: Int startLine: Int diffHunk: String! outdated: Boolean! url: URI! authorAssociation: String!
  createdAt: DateTime! updatedAt: DateTime! replyTo: PullRequestReviewComment pullRequestReview: PullRequestReview
  editor: Actor lastEditedAt: DateTime commit: Commit originalCommit: Commit isMinimized: Boolean!
  minimizedReason: String }
type PullRequestReviewCommentConnection {
  nodes: [PullRequestReviewComment] pageInfo: PageInfo! totalCount: Int! }
type PullRequestReviewThread implements Node {
  id: ID! isResolved: Boolean! isOutdated: Boolean! isCollapsed: Boolean! path: String! line: Int originalLine: Int
  startLine: Int originalStartLine: Int diffSide: DiffSide! subjectType: PullRequestReviewThreadSubjectType!
  resolvedBy: User pullRequest: PullRequest!
  comments(first: Int, after: String, last: Int): PullRequestReviewCommentConnection! }
type PullRequestReviewThreadConnection { nodes: [PullRequestReviewThread] pageInfo: PageInfo! totalCount: Int! }
type PullRequest implements Node {
  id: ID! databaseId: Int number: Int! title: String! body: String! url: URI! state: String! isDraft: Boolean!
  merged: Boolean! headRefName: String! headRefOid: GitObjectID! baseRefName: String! author: Actor
  mergeStateStatus: MergeStateStatus! reviewDecision: PullRequestReviewDecision isMergeQueueEnabled: Boolean!
  isInMergeQueue: Boolean! viewerMergeBodyText(mergeType: PullRequestMergeMethod): String!
  autoMergeRequest: AutoMergeRequest
  reviewThreads(first: Int, after: String, last: Int): PullRequestReviewThreadConnection! }
type AutoMergeRequest {
  enabledBy: Actor mergeMethod: PullRequestMergeMethod! commitBody: String pullRequest: PullRequest! }
type MergeQueueEntry implements Node { id: ID! pullRequest: PullRequest }
type IssueComment implements Node & Minimizable & Comment {
  id: ID! databaseId: Int body: String! author: Actor editor: Actor lastEditedAt: DateTime url: URI!
  isMinimized: Boolean! minimizedReason: String }
type Issue implements Node & Comment {
  id: ID! databaseId: Int number: Int! title: String! body: String! url: URI! author: Actor editor: Actor
  lastEditedAt: DateTime }
type Repository implements Node {
  id: ID! databaseId: Int name: String! nameWithOwner: String! url: URI! pullRequest(number: Int!): PullRequest }
type RateLimit { limit: Int! cost: Int! remaining: Int! resetAt: DateTime! }
type Query {
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
  node(id: ID!): Node viewer: User! rateLimit: RateLimit }
input MarkPullRequestReadyForReviewInput { clientMutationId: String pullRequestId: ID! }
type MarkPullRequestReadyForReviewPayload { clientMutationId: String pullRequest: PullRequest }
input ConvertPullRequestToDraftInput { clientMutationId: String pullRequestId: ID! }
type ConvertPullRequestToDraftPayload { clientMutationId: String pullRequest: PullRequest }
input RevertPullRequestInput {
  clientMutationId: String pullRequestId: ID! title: String body: String draft: Boolean = false }
type RevertPullRequestPayload {
  clientMutationId: String pullRequest: PullRequest revertPullRequest: PullRequest }
input EnablePullRequestAutoMergeInput {
  clientMutationId: String pullRequestId: ID! commitHeadline: String commitBody: String
  mergeMethod: PullRequestMergeMethod = MERGE authorEmail: String expectedHeadOid: GitObjectID }
type EnablePullRequestAutoMergePayload { clientMutationId: String actor: Actor pullRequest: PullRequest }
input DisablePullRequestAutoMergeInput { clientMutationId: String pullRequestId: ID! }
type DisablePullRequestAutoMergePayload { clientMutationId: String actor: Actor pullRequest: PullRequest }
input EnqueuePullRequestInput {
  clientMutationId: String pullRequestId: ID! jump: Boolean expectedHeadOid: GitObjectID }
type EnqueuePullRequestPayload { clientMutationId: String mergeQueueEntry: MergeQueueEntry }
input DequeuePullRequestInput { clientMutationId: String id: ID! }
type DequeuePullRequestPayload { clientMutationId: String mergeQueueEntry: MergeQueueEntry }
input ResolveReviewThreadInput { clientMutationId: String threadId: ID! }
type ResolveReviewThreadPayload { clientMutationId: String thread: PullRequestReviewThread }
input UnresolveReviewThreadInput { clientMutationId: String threadId: ID! }
type UnresolveReviewThreadPayload { clientMutationId: String thread: PullRequestReviewThread }
input MinimizeCommentInput { clientMutationId: String subjectId: ID! classifier: ReportedContentClassifiers! }
type MinimizeCommentPayload { clientMutationId: String minimizedComment: Minimizable }
input AddPullRequestReviewThreadReplyInput {
  clientMutationId: String body: String! pullRequestReviewThreadId: ID! pullRequestReviewId: ID }
type AddPullRequestReviewThreadReplyPayload { clientMutationId: String comment: PullRequestReviewComment }
type Mutation {
  markPullRequestReadyForReview(input: MarkPullRequestReadyForReviewInput!): MarkPullRequestReadyForReviewPayload
  convertPullRequestToDraft(input: ConvertPullRequestToDraftInput!): ConvertPullRequestToDraftPayload
  revertPullRequest(input: RevertPullRequestInput!): RevertPullRequestPayload
  enablePullRequestAutoMerge(input: EnablePullRequestAutoMergeInput!): EnablePullRequestAutoMergePayload
  disablePullRequestAutoMerge(input: DisablePullRequestAutoMergeInput!): DisablePullRequestAutoMergePayload
  enqueuePullRequest(input: EnqueuePullRequestInput!): EnqueuePullRequestPayload
  dequeuePullRequest(input: DequeuePullRequestInput!): DequeuePullRequestPayload
  resolveReviewThread(input: ResolveReviewThreadInput!): ResolveReviewThreadPayload
  unresolveReviewThread(input: UnresolveReviewThreadInput!): UnresolveReviewThreadPayload
  minimizeComment(input: MinimizeCommentInput!): MinimizeCommentPayload
  addPullRequestReviewThreadReply(
    input: AddPullRequestReviewThreadReplyInput!): AddPullRequestReviewThreadReplyPayload }
"""
