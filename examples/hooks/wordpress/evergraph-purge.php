<?php
/**
 * Plugin Name: Evergraph purge
 * Description: Purges Evergraph when posts, terms or comments change.
 *
 * Put this file into wp-content/mu-plugins/, and define EVERGRAPH_URL and EVERGRAPH_TOKEN in wp-config.php.
 */

/** The GraphQL types that this request has changed. */
$evergraph_types = [];

function evergraph_changed( $type ) {
	global $evergraph_types;
	$evergraph_types[ $type ] = true;
}

/** `post` is `Post` in WPGraphQL, unless the post type has a name of its own there. */
function evergraph_post_changed( $post_id ) {
	$post_type = get_post_type( $post_id );
	if ( $post_type && ! in_array( $post_type, [ 'revision', 'nav_menu_item' ], true ) ) {
		$object = get_post_type_object( $post_type );
		evergraph_changed( ucfirst( $object->graphql_single_name ?? $post_type ) );
	}
}

function evergraph_term_changed( $term_id, $taxonomy_id, $taxonomy ) {
	$object = get_taxonomy( $taxonomy );
	evergraph_changed( ucfirst( $object->graphql_single_name ?? $taxonomy ) );
}

function evergraph_comment_changed( $comment_id ) {
	evergraph_changed( 'Comment' );
	evergraph_post_changed( get_comment( $comment_id )->comment_post_ID ?? 0 );
}

/** One purge for all changes of the request, after they are in the database. */
function evergraph_purge() {
	global $evergraph_types;
	if ( ! $evergraph_types ) {
		return;
	}
	$response = wp_remote_post(
		rtrim( EVERGRAPH_URL, '/' ) . '/__evergraph/purge',
		[
			'headers' => [ 'authorization' => 'Bearer ' . EVERGRAPH_TOKEN ],
			'body'    => json_encode( [ 'tags' => array_keys( $evergraph_types ) ] ),
			'timeout' => 5,
		]
	);
	if ( 200 !== wp_remote_retrieve_response_code( $response ) ) {
		error_log( 'Evergraph did not take the purge of ' . implode( ', ', array_keys( $evergraph_types ) ) );
	}
}

foreach ( [ 'save_post', 'before_delete_post', 'trashed_post', 'untrashed_post' ] as $hook ) {
	add_action( $hook, 'evergraph_post_changed' );
}
foreach ( [ 'created_term', 'edited_term', 'delete_term' ] as $hook ) {
	add_action( $hook, 'evergraph_term_changed', 10, 3 );
}
foreach ( [ 'wp_insert_comment', 'edit_comment', 'delete_comment', 'wp_set_comment_status' ] as $hook ) {
	add_action( $hook, 'evergraph_comment_changed' );
}
add_action( 'shutdown', 'evergraph_purge' );
